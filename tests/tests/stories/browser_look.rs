//! What the browser client looks like: pictures in `target/screenshots`, and what can be said of them without eyes.

use std::collections::BTreeMap;

use serde_json::json;
use teahouse_tests::browser::{Browser, Scheme};
use teahouse_tests::client::Client;
use teahouse_tests::page::{Page, testid};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

/// A server with a conversation in it, and those who have it.
async fn lively_server() -> (Server, BTreeMap<&'static str, Client>) {
    let server = Server::start().await;
    let mut people = BTreeMap::new();
    for (name, words) in [
        ("周瑜", "今天泡什么茶？"),
        ("周瑜", "我带了一点明前龙井 🍵"),
        ("bo", "Longjing sounds good. See https://example.org/tea for the water's temperature."),
        ("小蛇", "水温 `80` 度就好，别用开水。\n第二泡味道最好。"),
        ("ana", "@bo 我马上到"),
    ] {
        if !people.contains_key(name) {
            people.insert(name, tcp::enter(&server, name).await);
        }
        people.get_mut(name).expect("just entered").post("lobby", words).await;
    }
    people.get_mut("bo").expect("bo is there").enter("上海").await;
    (server, people)
}

#[tokio::test]
async fn it_fits_both_themes_and_both_sizes() {
    let (server, _people) = lively_server().await;
    let page = Page::open(Browser::start().await, &server).await;
    for (width, height) in [(1280, 800), (360, 740)] {
        page.browser.resize(width, height).await;
        for scheme in [Scheme::Light, Scheme::Dark] {
            page.browser.prefer(scheme).await;
            page.browser.screenshot(&format!("welcome-{width}-{scheme:?}").to_lowercase()).await;
        }
    }
    page.browser.resize(1280, 800).await;
    page.choose_name("茶客").await;
    page.message("@bo 我马上到").await;
    page.say("大家好，我也来一杯。").await;
    page.message("大家好，我也来一杯。").await;
    for (width, height) in [(1280, 800), (360, 740)] {
        page.browser.resize(width, height).await;
        let mut backgrounds = Vec::new();
        for scheme in [Scheme::Light, Scheme::Dark] {
            page.browser.prefer(scheme).await;
            page.visible("composer").await;
            let name = format!("chat-{width}-{scheme:?}").to_lowercase();
            page.browser.screenshot(&name).await;
            let script = "return {
                overflow: document.documentElement.scrollWidth - innerWidth,
                background: getComputedStyle(document.body).backgroundColor,
                composer: document.querySelector('[data-testid=composer]').getBoundingClientRect().bottom,
                send: document.querySelector('[data-testid=send]').getBoundingClientRect().right,
            };";
            let look = page.browser.run(script, json!([])).await;
            assert!(look["overflow"].as_f64() <= Some(0.0), "{name} is wider than the window: {look}");
            assert!(
                look["composer"].as_f64() <= Some(f64::from(height)),
                "{name}: composer below the edge: {look}"
            );
            assert!(look["send"].as_f64() <= Some(f64::from(width)), "{name}: send beyond the edge: {look}");
            backgrounds.push(look["background"].clone());
        }
        assert_ne!(backgrounds[0], backgrounds[1], "light and dark");
    }
    // On a phone the lists are behind buttons.
    page.browser.click(&testid("rooms-toggle")).await;
    page.visible("room").await;
    page.browser.screenshot("rooms-360-dark").await;
    assert_eq!(page.complaints().await, [""; 0]);
}

#[tokio::test]
async fn the_page_breaks_no_rule_of_its_own_policy() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    page.say("你好").await;
    page.message("你好").await;
    let blocked = page
        .browser
        .run(
            "return new Promise(done => {
                 document.addEventListener('securitypolicyviolation', event => done(event.violatedDirective));
                 const script = document.createElement('script');
                 script.textContent = 'window.harm = true';
                 document.body.append(script);
             });",
            json!([]),
        )
        .await;
    assert!(blocked.as_str().unwrap_or_default().starts_with("script-src"), "{blocked}");
    let complaints = page.complaints().await;
    assert_eq!(complaints.len(), 1, "only the script of this story: {complaints:?}");
}

#[tokio::test]
async fn theme_and_language_can_be_chosen() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    page.browser.prefer(Scheme::Light).await;
    let background = "return getComputedStyle(document.body).backgroundColor;";
    let before = page.browser.run(background, json!([])).await;
    page.browser.click(&testid("theme-toggle")).await;
    // The button may go through more than two choices.
    let changed = "return getComputedStyle(document.body).backgroundColor !== arguments[0];";
    if page.browser.run(changed, json!([before])).await != json!(true) {
        page.browser.click(&testid("theme-toggle")).await;
    }
    page.browser.when("the theme changes", changed, json!([before])).await;
    let language = page.browser.run("return document.documentElement.lang", json!([])).await;
    page.browser.click(&testid("lang-toggle")).await;
    page.browser
        .when(
            "the language changes",
            "return document.documentElement.lang !== arguments[0];",
            json!([language]),
        )
        .await;
}

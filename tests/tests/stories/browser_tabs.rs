//! Two tabs of one browser are one person: what they share, and what each has for itself.

use serde_json::json;
use teahouse_tests::browser::Browser;
use teahouse_tests::page::{Page, room_selector, testid};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

/// A tab that hears nothing of the others, not even when it is looked at again, as when it was frozen at the wrong moment: it
/// has to find out by itself.
const DEAF: &str = "
    window.BroadcastChannel = class { postMessage() {} close() {} };
    for (const kind of ['focus', 'visibilitychange'])
        addEventListener(kind, event => event.stopImmediatePropagation(), true);";
/// Without this, tabs know of each other by locks; a page that comes over http from another machine has none.
const NO_LOCKS: &str = "Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined });";

/// Two tabs that ask for a name, neither of which knows of the other; the second chooses its name when the first is in.
async fn choose_in_both(server: &Server, scripts: &str, names: [&str; 2]) -> Page {
    let browser = Browser::start().await;
    browser.before_load(scripts).await;
    let page = Page::open(browser, server).await;
    let first = page.browser.tab().await;
    page.browser.open_tab("about:blank").await;
    page.browser.before_load(scripts).await;
    page.browser.open(&server.url()).await;
    page.browser.element(&testid("name-input")).await;
    let second = page.browser.tab().await;
    page.browser.go_to_tab(first).await;
    page.choose_name(names[0]).await;
    page.is(names[0]).await;
    page.browser.go_to_tab(second).await;
    page.browser.element(&testid("name-input")).await;
    page.browser.type_into(&testid("name-input"), names[1]).await;
    page.browser.click(&testid("name-submit")).await;
    page.is(names[0]).await;
    page
}

#[tokio::test]
async fn who_loses_the_race_for_a_name_is_whoever_won_it() {
    for scripts in [DEAF.to_owned(), format!("{DEAF}{NO_LOCKS}")] {
        let server = Server::start().await;
        let page = choose_in_both(&server, &scripts, ["ana", "ana"]).await;
        // And so it is the next time.
        page.browser.reload().await;
        page.is("ana").await;
        page.say("我还是我").await;
        assert_eq!(page.message("我还是我").await.by, "ana");
    }
}

#[tokio::test]
async fn of_two_names_that_two_tabs_choose_the_first_stays_and_the_other_is_free() {
    for scripts in [DEAF.to_owned(), format!("{DEAF}{NO_LOCKS}")] {
        let server = Server::start().await;
        let page = choose_in_both(&server, &scripts, ["ana", "bo"]).await;
        page.browser.reload().await;
        page.is("ana").await;
        let mut somebody = tcp::connect(&server).await;
        let auth = json!({"type": "guest", "name": "bo", "keep": true});
        somebody.must("hello", json!({"protocol": 1, "auth": auth})).await;
    }
}

#[tokio::test]
async fn what_is_read_in_one_tab_is_read_in_the_other() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let page = Page::enter(&server, "ana").await;
    let first = page.browser.tab().await;
    page.create_room("别处").await;
    page.browser.open_tab(&server.url()).await;
    page.online().await;
    let second = page.browser.tab().await;
    for number in 1..=3 {
        witness.post("lobby", &format!("没读 {number}")).await;
    }
    page.titled("(3)").await;
    page.browser.go_to_tab(first.clone()).await;
    page.titled("(3)").await;
    page.switch_room("lobby").await;
    page.unread("lobby", 0).await;
    page.browser.go_to_tab(second).await;
    page.unread("lobby", 0).await;
    page.titled("别处").await;
}

#[tokio::test]
async fn leaving_in_one_tab_moves_nobody_in_the_other() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    page.create_room("密谈").await;
    let mut witness = tcp::enter(&server, "witness").await;
    witness.enter("密谈").await;
    let first = page.browser.tab().await;
    page.browser.open_tab(&server.url()).await;
    page.online().await;
    page.room_is_open("密谈").await;
    let second = page.browser.tab().await;
    page.browser.go_to_tab(first.clone()).await;
    page.write("只说给密谈听的").await;
    page.browser.go_to_tab(second.clone()).await;
    page.leave_room().await;
    page.room_is_open("lobby").await;

    page.browser.go_to_tab(first).await;
    page.stands_outside("left").await;
    page.room_is_open("密谈").await;
    assert_eq!(page.composed().await, "只说给密谈听的", "nothing that was typed is lost");
    page.join().await;
    page.browser.run("document.querySelector('[data-testid=composer]').focus()", json!([])).await;
    page.press_enter().await;
    page.message("只说给密谈听的").await;
    assert_eq!(witness.posts("lobby").await, [], "nobody else has heard of it");
    // The other tab is back in the room, too.
    page.browser.go_to_tab(second).await;
    page.browser.element(&format!("{}[data-joined=true]", room_selector("密谈"))).await;
}

#[tokio::test]
async fn two_tabs_have_two_drafts_of_one_room_and_a_copy_follows() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    let first = page.browser.tab().await;
    page.write("第一页").await;
    page.browser.open_tab(&server.url()).await;
    page.online().await;
    page.when_composed("第一页").await;
    let second = page.browser.tab().await;
    // It is a copy, and follows what it is a copy of.
    page.browser.go_to_tab(first.clone()).await;
    page.write("，说出去了").await;
    page.when_composed("第一页，说出去了").await;
    page.press_enter().await;
    page.message("第一页，说出去了").await;
    page.browser.go_to_tab(second.clone()).await;
    page.when_composed("").await;
    // From here on each has its own, through loading the page again as well.
    page.write("第二页的").await;
    page.browser.go_to_tab(first.clone()).await;
    page.write("第一页的").await;
    for (tab, draft) in [(&second, "第二页的"), (&first, "第一页的")] {
        page.browser.go_to_tab(tab.clone()).await;
        page.when_composed(draft).await;
        page.browser.reload().await;
        page.online().await;
        page.when_composed(draft).await;
    }
}

#[tokio::test]
async fn a_new_name_or_signing_out_in_one_tab_is_so_in_the_other() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    let first = page.browser.tab().await;
    page.browser.open_tab(&server.url()).await;
    page.is("ana").await;
    let second = page.browser.tab().await;
    page.rename("小明").await;
    page.is("小明").await;
    page.browser.go_to_tab(first.clone()).await;
    page.is("小明").await;
    page.notice(&["ana 现在叫 小明", "ana is now 小明"]).await;
    page.say("还是我").await;
    assert_eq!(page.message("还是我").await.by, "小明");

    page.sign_out().await;
    page.visible("name-input").await;
    page.browser.go_to_tab(second).await;
    page.visible("name-input").await;
    page.notice(&["另一个标签页", "another tab"]).await;
    // Coming in again in one tab is coming in in both.
    page.choose_name("小明").await;
    page.browser.go_to_tab(first).await;
    page.is("小明").await;
}

#[tokio::test]
async fn settings_of_one_tab_are_those_of_the_other() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    let first = page.browser.tab().await;
    page.browser.open_tab(&server.url()).await;
    page.online().await;
    let language = page.browser.run("return document.documentElement.lang", json!([])).await;
    let (system, other) = if language == "en" { ("en", "zh-CN") } else { ("zh-CN", "en") };
    let themed = |theme: &'static str, lang: &'static str| {
        let page = &page;
        async move {
            page.browser
                .when(
                    &format!("the page is {theme} and speaks {lang}"),
                    "const root = document.documentElement;
                     return (root.dataset.theme ?? '') === arguments[0] && root.lang === arguments[1];",
                    json!([theme, lang]),
                )
                .await;
        }
    };
    page.browser.click(&testid("settings-open")).await;
    page.select("theme", "dark").await;
    page.select("lang", other).await;
    themed("dark", other).await;
    page.browser.go_to_tab(first).await;
    themed("dark", other).await;
    // As the system is a choice, too.
    page.browser.click(&testid("settings-open")).await;
    page.select("theme", "").await;
    page.select("lang", "").await;
    themed("", system).await;
    page.browser.reload().await;
    page.online().await;
    themed("", system).await;
}

#[tokio::test]
async fn tabs_are_told_of_nothing_that_is_a_tabs_own() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    let listen = "window.told = [];
        new BroadcastChannel('teahouse.store').onmessage = event => told.push(...event.data.slice(1));";
    page.browser.run(listen, json!([])).await;
    page.say("一句").await;
    page.message("一句").await;
    page.write("写了一半").await;
    let told = "return told.includes('draft/lobby') && told;";
    let told = page.browser.when("the others are told of the draft", told, json!([])).await;
    let told = told.as_array().expect("a list");
    assert!(told.iter().all(|key| !key.as_str().unwrap_or_default().starts_with("outbox/")), "{told:?}");
}

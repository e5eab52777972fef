//! The page over plain http, from another machine: a browser offers it less there.

use serde_json::json;
use teahouse_tests::browser::Browser;
use teahouse_tests::driver::ANOTHER_MACHINE;
use teahouse_tests::page::{Page, testid};
use teahouse_tests::server::Server;

#[tokio::test]
async fn without_what_browsers_offer_over_https_one_is_kept_and_copies_and_has_two_tabs() {
    let server = Server::start().await;
    let url = server.url().replace("127.0.0.1", ANOTHER_MACHINE);
    let browser = Browser::start().await;
    browser.open(&url).await;
    let page = Page { browser };
    let offered = "return [isSecureContext, 'locks' in navigator, 'clipboard' in navigator]";
    assert_eq!(page.browser.run(offered, json!([])).await, json!([false, false, false]));
    page.choose_name("ana").await;
    page.say("你好").await;
    page.message("你好").await;
    page.hidden("storage").await;

    page.browser.click(&testid("room-menu-open")).await;
    page.browser.click(&testid("copy-room-link")).await;
    page.visible("toast").await;
    page.browser.run("document.querySelector('[data-testid=composer]').focus()", json!([])).await;
    let paste = json!({"type": "keyDown", "key": "v", "code": "KeyV", "modifiers": 2, "commands": ["paste"]});
    page.browser.devtools("Input.dispatchKeyEvent", paste).await;
    let link = format!("{url}#/room/lobby");
    page.when_composed(&link).await;

    let first = page.browser.tab().await;
    page.browser.open_tab(&url).await;
    page.is("ana").await;
    page.when_composed(&link).await;
    page.rename("小明").await;
    page.is("小明").await;
    page.browser.go_to_tab(first).await;
    page.is("小明").await;
    page.browser.reload().await;
    page.is("小明").await;
    page.when_composed(&link).await;
    // Whatever is only for https is ignored, and said to be.
    let complaints = page.complaints().await.into_iter();
    let own: Vec<String> = complaints.filter(|text| !text.contains("Cross-Origin-Opener-Policy")).collect();
    assert_eq!(own, [""; 0]);
}

//! Who one is in the browser client: other names, signing out, and what the page says when something of it fails.

use serde_json::json;
use teahouse_tests::browser::Browser;
use teahouse_tests::page::{Page, testid};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

#[tokio::test]
async fn what_is_discarded_can_be_had_back() {
    let mut server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    server.stop().await;
    page.visible("banner").await;
    page.say("想了很久的话").await;
    page.message_in_state("想了很久的话", "queued").await;
    page.browser.click(&testid("discard")).await;
    page.when_composed("想了很久的话").await;
    let focused = "return document.activeElement === document.querySelector('[data-testid=composer]');";
    page.browser.when("the caret is in the composer", focused, json!([])).await;
    page.press_enter().await;
    page.message_in_state("想了很久的话", "queued").await;
    page.write("别的话").await;
    page.browser.click(&testid("discard")).await;
    page.browser.click(&testid("undo")).await;
    page.message_in_state("想了很久的话", "queued").await;
    page.when_composed("别的话").await;
}

#[tokio::test]
async fn a_link_to_a_room_is_read_and_one_to_no_room_says_so() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    witness.enter("品茶").await;
    witness.post("品茶", "今天喝什么").await;
    let before = witness.whole_history("品茶").await.len();
    let browser = Browser::start().await;
    browser.open(&format!("{}#/room/品茶", server.url())).await;
    let page = Page { browser };
    page.browser.type_into(&testid("name-input"), "ana").await;
    page.browser.click(&testid("name-submit")).await;
    page.stands_outside("reader").await;
    page.message("今天喝什么").await;
    witness.post("品茶", "龙井").await;
    page.message("龙井").await;
    assert_eq!(witness.whole_history("品茶").await.len(), before + 1, "nobody is told of a reader");
    page.browser.click(&testid("join")).await;
    page.hidden("standing").await;
    page.say("好").await;
    page.message("好").await;

    page.browser.run("location.hash = '#/room/nowhere';", json!([])).await;
    page.stands_outside("missing").await;
    page.browser.click(&testid("join")).await;
    page.hidden("standing").await;
    page.say("现在有了").await;
    page.message("现在有了").await;
}

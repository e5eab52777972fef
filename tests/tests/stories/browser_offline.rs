//! The browser client while there is no server.

use serde_json::json;
use teahouse_tests::page::{Page, testid};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

#[tokio::test]
async fn writing_goes_on_without_the_server_and_is_sent_when_it_is_back() {
    let mut server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    page.say("之前").await;
    page.message("之前").await;
    page.hidden("banner").await;

    server.stop().await;
    page.visible("banner").await;
    page.say("断线时写的").await;
    page.message_in_state("断线时写的", "queued").await;

    server.start_again().await;
    page.browser.click(&testid("retry-now")).await;
    page.online().await;
    page.hidden("banner").await;
    let sent = page.message("断线时写的").await;
    assert_eq!((sent.by.as_str(), sent.state.as_str()), ("ana", "logged"));

    let mut witness = tcp::connect(&server).await;
    witness.hello("witness").await;
    let posts: Vec<String> = witness.posts("lobby").await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(posts, ["之前", "断线时写的"], "each once");
    let shown: Vec<String> = page.messages().await.into_iter().map(|message| message.text).collect();
    assert_eq!(shown, posts);
}

#[tokio::test]
async fn it_reconnects_by_itself() {
    let mut server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    server.kill().await;
    page.visible("banner").await;
    server.start_again().await;
    page.online().await;
    page.hidden("banner").await;
    page.say("回来了").await;
    page.message("回来了").await;
}

#[tokio::test]
async fn what_waits_to_be_sent_survives_a_crash_of_the_tab() {
    let mut server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    // The connection is cut at the browser, so that the page itself can still be loaded.
    server.stop().await;
    page.say("还没发出").await;
    page.message_in_state("还没发出", "queued").await;
    page.browser.open("about:blank").await;
    server.start_again().await;
    page.browser.open(&server.url()).await;
    page.online().await;
    page.message("还没发出").await;
    let mut witness = tcp::connect(&server).await;
    witness.hello("witness").await;
    assert_eq!(witness.posts("lobby").await, [("ana".to_owned(), "还没发出".to_owned())]);
    let state = page
        .browser
        .run("return document.querySelector('[data-testid=connection]').dataset.state", json!([]))
        .await;
    assert_eq!(state, "online");
}

#[tokio::test]
async fn what_waits_to_be_sent_goes_to_another_tab_when_its_own_is_closed() {
    let mut server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    let first = page.browser.tab().await;
    page.browser.open_tab(&server.url()).await;
    page.online().await;
    server.stop().await;
    page.visible("banner").await;
    for text in ["还没发出", "这句也是"] {
        page.say(text).await;
        page.message_in_state(text, "queued").await;
    }
    page.browser.close_tab(first.clone()).await;
    page.message_in_state("这句也是", "queued").await;
    page.say("这是第一页的").await;
    server.start_again().await;
    page.browser.click(&testid("retry-now")).await;
    for text in ["还没发出", "这句也是", "这是第一页的"] {
        page.message(text).await;
    }
    let mut witness = tcp::connect(&server).await;
    witness.hello("witness").await;
    let posts: Vec<String> = witness.posts("lobby").await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(posts, ["还没发出", "这句也是", "这是第一页的"], "each once");

    // And the other way round: a tab that has come later takes over from the one that was there first.
    page.browser.open_tab(&server.url()).await;
    page.online().await;
    let second = page.browser.tab().await;
    server.stop().await;
    page.browser.go_to_tab(first).await;
    page.visible("banner").await;
    page.say("第一页的最后一句").await;
    page.message_in_state("第一页的最后一句", "queued").await;
    page.browser.close_tab(second).await;
    page.message_in_state("第一页的最后一句", "queued").await;
    server.start_again().await;
    page.browser.click(&testid("retry-now")).await;
    page.message("第一页的最后一句").await;
}

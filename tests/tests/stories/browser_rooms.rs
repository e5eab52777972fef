//! Rooms in the browser: making them, switching, unread counts, drafts, and who is here.

use serde_json::json;
use teahouse_tests::browser::Browser;
use teahouse_tests::page::{Page, room_selector, testid};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

#[tokio::test]
async fn rooms_are_made_and_switched_and_count_what_is_unread() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let page = Page::enter(&server, "ana").await;
    page.room_is_open("lobby").await;
    page.say("在大堂").await;
    page.message("在大堂").await;

    page.create_room("品茶").await;
    page.say("在品茶").await;
    page.message("在品茶").await;
    assert!(page.messages().await.iter().all(|message| message.text != "在大堂"), "another room's words");

    for number in 1..=3 {
        witness.post("lobby", &format!("没读 {number}")).await;
    }
    page.unread("lobby", 3).await;
    page.unread("品茶", 0).await;
    page.switch_room("lobby").await;
    page.message("没读 3").await;
    page.unread("lobby", 0).await;
    let shown: Vec<String> = page.messages().await.into_iter().map(|message| message.text).collect();
    assert_eq!(shown, ["在大堂", "没读 1", "没读 2", "没读 3"]);
    page.switch_room("品茶").await;
    page.message("在品茶").await;
    assert_eq!(page.complaints().await, [""; 0]);
}

#[tokio::test]
async fn a_draft_stays_with_its_room_and_survives_a_reload() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    page.write("写了一半").await;
    page.create_room("品茶").await;
    page.when_composed("").await;
    page.write("另一半").await;
    page.switch_room("lobby").await;
    page.when_composed("写了一半").await;
    page.browser.reload().await;
    page.online().await;
    page.when_composed("写了一半").await;
    page.switch_room("品茶").await;
    page.when_composed("另一半").await;
}

#[tokio::test]
async fn a_reload_keeps_who_one_is_and_what_was_said() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let page = Page::enter(&server, "ana").await;
    page.say("第一句").await;
    page.message("第一句").await;
    page.browser.reload().await;
    page.online().await;
    page.message("第一句").await;
    page.say("第二句").await;
    let authors: Vec<String> = [witness.post_event("lobby").await, witness.post_event("lobby").await]
        .into_iter()
        .map(|(by, _)| by)
        .collect();
    assert_eq!(authors, ["ana", "ana"]);
}

#[tokio::test]
async fn a_name_that_is_taken_or_breaks_a_rule_can_be_chosen_anew() {
    let server = Server::start().await;
    let _ana = tcp::enter(&server, "ana").await;
    let page = Page::open(Browser::start().await, &server).await;
    let input = testid("name-input");
    let mut problem = json!("");
    for name in ["a b", "ana"] {
        page.browser.element(&input).await.clear().await.expect("a field can be cleared");
        page.browser.type_into(&input, name).await;
        page.browser.click(&testid("name-submit")).await;
        problem = page
            .browser
            .when(
                "the page says what is wrong with this name",
                "const input = document.querySelector('[data-testid=name-input]');
                 const problem = document.querySelector('[data-testid=name-problem]');
                 return input.getAttribute('aria-invalid') === 'true' && problem.textContent !== arguments[0]
                     && problem.textContent;",
                json!([problem]),
            )
            .await;
    }
    page.browser.element(&input).await.clear().await.expect("a field can be cleared");
    page.choose_name("安娜").await;
}

#[tokio::test]
async fn the_list_of_members_follows_who_is_here() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    page.member("ana", true).await;
    let mut kept = tcp::connect(&server).await;
    let auth = json!({"type": "guest", "name": "bo", "keep": true});
    let welcome = kept.must("hello", json!({"protocol": 1, "auth": auth})).await;
    kept.must("join", json!({"room": "lobby"})).await;
    page.member("bo", true).await;
    drop(kept);
    page.member("bo", false).await;
    let mut kept = tcp::connect(&server).await;
    let auth = json!({"type": "token", "token": welcome["token"]});
    kept.must("hello", json!({"protocol": 1, "auth": auth})).await;
    page.member("bo", true).await;
}

#[tokio::test]
async fn a_room_made_by_somebody_else_can_be_opened() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    witness.enter("上海").await;
    witness.post("上海", "侬好").await;
    let page = Page::enter(&server, "ana").await;
    page.browse().await;
    page.browser.click(&room_selector("上海")).await;
    page.room_is_open("上海").await;
    page.message("侬好").await;
    // Reading is nobody's business; joining is told.
    page.visible("standing").await;
    assert_eq!(witness.whole_history("上海").await.len(), 3, "made, joined and written in by the witness");
    page.join().await;
    page.say("你好").await;
    let reply = witness.post_event("上海").await;
    let reply = if reply.1 == "侬好" { witness.post_event("上海").await } else { reply };
    assert_eq!(reply, ("ana".to_owned(), "你好".to_owned()));
}

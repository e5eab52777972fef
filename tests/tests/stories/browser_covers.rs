//! What covers the page: the browser's Back closes it, and a drawer is all that there is while it is open.

use serde_json::json;
use teahouse_tests::browser::Browser;
use teahouse_tests::page::{Page, testid};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

async fn back(page: &Page) {
    page.browser.run("history.back()", json!([])).await;
}

async fn history_length(page: &Page) -> u64 {
    page.browser.run("return history.length", json!([])).await.as_u64().expect("a number")
}

/// Waits until no cover has an entry in the history any more.
async fn when_bare(page: &Page) {
    page.browser.when("the history has no cover on top", "return history.state === null", json!([])).await;
}

async fn on_a_phone(server: &Server, name: &str) -> Page {
    let page = Page::open(Browser::start().await, server).await;
    page.browser.resize(360, 740).await;
    page.choose_name(name).await;
    page
}

#[tokio::test]
async fn back_closes_what_covers_the_page_and_stays_in_it() {
    let server = Server::start().await;
    let page = on_a_phone(&server, "ana").await;
    for (opener, inside) in [("rooms-toggle", "me"), ("members-toggle", "member")] {
        page.browser.click(&testid(opener)).await;
        page.visible(inside).await;
        back(&page).await;
        page.hidden(inside).await;
        page.visible("composer").await;
    }
    // A dialog over a drawer: one after the other.
    page.browser.click(&testid("rooms-toggle")).await;
    page.visible("me").await;
    page.browser.click(&testid("settings-open")).await;
    page.visible("rename-input").await;
    back(&page).await;
    page.hidden("rename-input").await;
    page.visible("me").await;
    back(&page).await;
    page.hidden("me").await;
    when_bare(&page).await;
    assert_eq!(page.complaints().await, [""; 0]);
}

#[tokio::test]
async fn what_is_closed_in_another_way_leaves_nothing_in_the_history() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    witness.enter("品茶").await;
    witness.post("品茶", "好茶").await;
    let page = on_a_phone(&server, "ana").await;
    page.browser.click(&testid("rooms-toggle")).await;
    page.visible("me").await;
    let length = history_length(&page).await;
    for _ in 0..3 {
        page.escape().await;
        page.hidden("me").await;
        when_bare(&page).await;
        page.browser.click(&testid("rooms-toggle")).await;
        page.visible("me").await;
    }
    assert_eq!(history_length(&page).await, length, "each entry took the place of the one before");

    // Going to another room from the drawer is one step of the history, and back leads to the room before.
    page.browse().await;
    page.browser.click("[data-testid=room][data-room=品茶]").await;
    page.message("好茶").await;
    page.hidden("me").await;
    when_bare(&page).await;
    assert_eq!(history_length(&page).await, length);
    back(&page).await;
    page.browser
        .when(
            "it is the room before",
            "return document.querySelector('[data-testid=room-title]').textContent === 'lobby'
                 && location.hash === '#/room/lobby'",
            json!([]),
        )
        .await;
    page.hidden("me").await;
}

#[tokio::test]
async fn an_address_that_comes_while_the_page_is_covered_uncovers_it() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    witness.enter("品茶").await;
    let said = witness.post("品茶", "好茶").await;
    let page = on_a_phone(&server, "ana").await;
    page.browser.click(&testid("rooms-toggle")).await;
    page.visible("me").await;
    page.go(&format!("#/room/品茶/{said}")).await;
    page.hidden("me").await;
    page.browser.element("[data-marked=true]").await;
    back(&page).await;
    page.browser
        .when(
            "it is the room before, and nothing covers it",
            "return document.querySelector('[data-testid=room-title]').textContent === 'lobby'
                 && history.state === null",
            json!([]),
        )
        .await;
    page.hidden("me").await;

    // A page that is loaded again is not covered.
    page.browser.click(&testid("rooms-toggle")).await;
    page.visible("me").await;
    page.browser.reload().await;
    page.online().await;
    when_bare(&page).await;
    page.hidden("me").await;
}

#[tokio::test]
async fn a_drawer_keeps_the_focus_and_gives_it_back() {
    let server = Server::start().await;
    let page = on_a_phone(&server, "ana").await;
    page.browser.click(&testid("rooms-toggle")).await;
    page.visible("me").await;
    for _ in 0..12 {
        page.key("Tab", "Tab", 9, "").await;
        let place =
            "return document.activeElement === document.body || !!document.activeElement.closest('#rooms')";
        assert_eq!(page.browser.run(place, json!([])).await, json!(true), "Tab stays in the drawer");
    }
    page.browser.run("document.querySelector('#rooms .room').focus()", json!([])).await;
    page.escape().await;
    page.hidden("me").await;
    page.browser
        .when(
            "the button that opened the drawer has the focus",
            "return document.activeElement.dataset.testid === 'rooms-toggle'
                 && document.activeElement.getAttribute('aria-expanded') === 'false'",
            json!([]),
        )
        .await;
    // With room for a column there is no drawer, and nothing is covered by one.
    page.browser.click(&testid("rooms-toggle")).await;
    page.visible("me").await;
    page.browser.resize(1280, 800).await;
    page.browser.when("nothing is inert", "return !document.querySelector('[inert]')", json!([])).await;
    page.say("还能写").await;
    page.message("还能写").await;
}

#[tokio::test]
async fn the_members_button_tells_the_truth_at_every_width() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    let expanded = async |wanted: &str| {
        page.browser
            .when(
                &format!("the button says {wanted}"),
                "return document.querySelector('[data-testid=members-toggle]').getAttribute('aria-expanded')
                     === arguments[0]",
                json!([wanted]),
            )
            .await;
    };
    for (width, wanted) in [(1280, "true"), (1000, "false"), (768, "false"), (360, "false")] {
        page.browser.resize(width, 800).await;
        expanded(wanted).await;
        if wanted == "true" {
            page.visible("members").await
        } else {
            page.hidden("members").await
        }
        if width >= 720 { page.visible("me").await } else { page.hidden("me").await }
    }
    page.browser.click(&testid("members-toggle")).await;
    expanded("true").await;
    page.visible("members").await;
}

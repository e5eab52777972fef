//! Links to messages and rooms: they lead there, for newcomers too, and say so when there is nothing.

use serde_json::{Value, json};
use teahouse_tests::browser::Browser;
use teahouse_tests::browser_scenes::server_with_long_room;
use teahouse_tests::page::{Page, room_selector, testid};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

const ROOM: &str = "长谈";
const MESSAGES: u64 = 400;

/// Where the marked message stands in the window, and in how many of the next frames it was not inside.
const WATCH_MARK: &str = "
    const view = document.querySelector('[data-testid=timeline]').getBoundingClientRect();
    let frames = 0, outside = 0;
    return new Promise(done => (function look() {
        const mark = document.querySelector('[data-marked=true]')?.getBoundingClientRect();
        const inside = mark && mark.top >= view.top && mark.top < view.bottom - 10;
        if (!inside) outside += 1;
        if (++frames === 40) done({outside, inside, seq: document.querySelector('[data-marked=true]')?.dataset.seq});
        else requestAnimationFrame(look);
    })());";

/// As somebody who has never been there: nothing is kept of whoever used this browser before.
async fn as_a_newcomer(page: &Page, server: &Server, seq: u64, name: &str) {
    page.browser.open("about:blank").await;
    let origin = server.url().trim_end_matches('/').to_owned();
    let everything = json!({"origin": origin, "storageTypes": "all"});
    page.browser.devtools("Storage.clearDataForOrigin", everything).await;
    page.browser.open(&format!("{}#/room/{ROOM}/{seq}", server.url())).await;
    page.browser.element(&testid("name-input")).await;
    page.browser.type_into(&testid("name-input"), name).await;
    page.browser.click(&testid("name-submit")).await;
}

#[tokio::test]
async fn a_link_to_a_message_leads_newcomers_to_it() {
    let server = server_with_long_room(ROOM, MESSAGES).await;
    let page = Page::open(Browser::start().await, &server).await;
    let mut number = 0;
    for slowness in [1, 6] {
        page.browser.devtools("Emulation.setCPUThrottlingRate", json!({"rate": slowness})).await;
        for (width, height) in [(1280, 900), (360, 740)] {
            page.browser.resize(width, height).await;
            for seq in [2, 100, 320, 390] {
                number += 1;
                as_a_newcomer(&page, &server, seq, &format!("newcomer{number}")).await;
                page.browser.element(&format!("[data-marked=true][data-seq='{seq}']")).await;
                page.browser
                    .when(
                        "all that is asked for has come",
                        "return document.querySelector('[data-testid=connection]').dataset.state === 'online'
                             && !document.querySelector('[data-testid=gap][data-loading=true]');",
                        json!([]),
                    )
                    .await;
                let seen = page.browser.run(WATCH_MARK, json!([])).await;
                assert_eq!(
                    (&seen["outside"], &seen["seq"]),
                    (&json!(0), &json!(seq.to_string())),
                    "{seq} at {width} px and {slowness} times slower: {seen}"
                );
            }
        }
    }
}

/// Where the marked message stands, from the upper edge of the timeline.
async fn mark(page: &Page) -> f64 {
    let script = "
        const view = document.querySelector('[data-testid=timeline]').getBoundingClientRect();
        return document.querySelector('[data-marked=true]').getBoundingClientRect().top - view.top;";
    page.browser.run(script, json!([])).await.as_f64().expect("a number of pixels")
}

#[tokio::test]
async fn a_linked_message_stays_in_its_place_until_the_reader_scrolls() {
    let server = server_with_long_room(ROOM, MESSAGES).await;
    let page = Page::open(Browser::start().await, &server).await;
    as_a_newcomer(&page, &server, 200, "ana").await;
    page.browser.element("[data-marked=true]").await;
    page.browser.run(WATCH_MARK, json!([])).await;
    let before = mark(&page).await;
    // What stands above may become higher at any time: a font comes late, a text is unfolded.
    let grow = "
        const mark = document.querySelector('[data-marked=true]');
        mark.previousElementSibling.style.minHeight = arguments[0];
        return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));";
    for height in ["700px", "1500px", "0px"] {
        page.browser.run(grow, json!([height])).await;
        assert!((mark(&page).await - before).abs() < 2.0, "{height} more above it");
    }
    page.browser
        .run(
            "document.querySelector('[data-testid=timeline]').scrollTop -= 300;
             return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));",
            json!([]),
        )
        .await;
    assert!((mark(&page).await - before - 300.0).abs() < 3.0, "the reader goes where they like");
}

async fn hash(page: &Page) -> Value {
    page.browser.run("return decodeURIComponent(location.hash)", json!([])).await
}

async fn when_hash(page: &Page, hash: &str) {
    let script = "return decodeURIComponent(location.hash) === arguments[0]";
    page.browser.when(&format!("the address is {hash}"), script, json!([hash])).await;
}

/// Notes what is said in passing, which may be gone when one looks.
const NOTE_TOASTS: &str = "
    window.toasts = [];
    new MutationObserver(() => {
        const text = document.querySelector('[data-testid=toast]')?.textContent;
        if (text && toasts.at(-1) !== text) toasts.push(text);
        if (!text && toasts.at(-1)) toasts.push('');
    }).observe(document, { subtree: true, childList: true, characterData: true });";

async fn when_toast(page: &Page, text: &str) {
    let script = "const said = toasts.some(toast => toast.includes(arguments[0]));
        if (said) toasts.length = 0;
        return said;";
    page.browser.when(&format!("it says {text}"), script, json!([text])).await;
}

#[tokio::test]
async fn an_address_that_leads_nowhere_says_so_and_is_corrected() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let said = witness.post("lobby", "这里").await;
    let page = Page::open(Browser::start().await, &server).await;
    page.browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": NOTE_TOASTS})).await;
    page.browser.open(&format!("{}#/room/lobby/99999", server.url())).await;
    page.browser.reload().await;
    page.speak("zh-CN").await;
    page.choose_name("ana").await;
    page.message("这里").await;
    when_toast(&page, "这条消息不存在").await;
    when_hash(&page, "#/room/lobby").await;

    for broken in ["#/room/lobby/abc", "#/garbage", "#/room/lobby/1/2", "#/room/%E8", "#nonsense"] {
        page.go(&format!("#/room/lobby/{said}")).await;
        page.browser.element("[data-marked=true]").await;
        page.go(broken).await;
        when_toast(&page, "这个地址不指向任何地方").await;
        when_hash(&page, "#/room/lobby").await;
    }
    // Somebody came in: that is an event, and no message.
    page.go("#/room/lobby/2").await;
    when_toast(&page, "这条消息不存在").await;
    when_hash(&page, "#/room/lobby").await;
    assert_eq!(page.complaints().await, [""; 0]);
}

#[tokio::test]
async fn after_escape_the_address_is_the_rooms_and_the_same_link_works_again() {
    let server = server_with_long_room(ROOM, MESSAGES).await;
    let page = Page::open(Browser::start().await, &server).await;
    as_a_newcomer(&page, &server, 100, "ana").await;
    for _ in 0..2 {
        page.browser.element("[data-marked=true][data-seq='100']").await;
        page.escape().await;
        when_hash(&page, &format!("#/room/{ROOM}")).await;
        page.browser
            .when("no message is marked", "return !document.querySelector('[data-marked=true]')", json!([]))
            .await;
        page.go(&format!("#/room/{ROOM}/100")).await;
    }
    page.browser.element("[data-marked=true][data-seq='100']").await;
    page.escape().await;
    when_hash(&page, &format!("#/room/{ROOM}")).await;
    page.browser.reload().await;
    page.browser.element(&format!("{}[data-seq='{MESSAGES}']", testid("message"))).await;
    assert_eq!(hash(&page).await, json!(format!("#/room/{ROOM}")));
}

#[tokio::test]
async fn a_room_that_there_is_not_can_be_made_at_once() {
    let server = Server::start().await;
    let page = Page::enter(&server, "ana").await;
    page.speak("zh-CN").await;
    page.go("#/room/品茶").await;
    page.stands_outside("missing").await;
    page.hidden("composer").await;
    let text = page.browser.run("return document.body.innerText", json!([])).await;
    let text = text.as_str().unwrap_or_default();
    assert!(text.contains("没有这个房间") && !text.contains("create"), "{text}");
    assert!(!text.contains("正在载入"), "nothing is on its way from a room that there is not: {text}");
    page.hidden("browse-rooms").await;
    let listed =
        page.browser.run("return !!document.querySelector(arguments[0])", json!([room_selector("品茶")]));
    assert_eq!(listed.await, false, "a room that there is not stands in no list");
    page.join().await;
    page.room_is_open("品茶").await;
    page.say("第一句").await;
    page.message("第一句").await;
}

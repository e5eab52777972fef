//! Reading back in the browser.

use serde_json::{Value, json};
use teahouse_tests::client::Client;
use teahouse_tests::page::Page;
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

const POSTS: usize = 300;

/// Finds the scrolling element of the timeline: itself, or the one around it.
const SCROLLER: &str = "
    let box = document.querySelector('[data-testid=timeline]');
    while (box && !(box.scrollHeight > box.clientHeight && /auto|scroll/.test(getComputedStyle(box).overflowY)))
        box = box.parentElement;
    if (!box) return null;
    const messages = [...document.querySelectorAll('[data-testid=timeline] [data-testid=message]')];
    const seqs = messages.map(m => Number(m.dataset.seq));";

async fn script(page: &Page, body: &str, arguments: Value) -> Value {
    page.browser.run(&format!("{SCROLLER}{body}"), arguments).await
}

async fn when(page: &Page, what: &str, body: &str, arguments: Value) -> Value {
    page.browser.when(what, &format!("{SCROLLER}{body}"), arguments).await
}

async fn long_room(server: &Server) -> Client {
    let mut witness = tcp::enter(server, "witness").await;
    for number in 1..=POSTS {
        witness.post("lobby", &format!("第 {number} 句")).await;
    }
    witness
}

#[tokio::test]
async fn scrolling_up_loads_what_was_before_and_nothing_jumps() {
    let server = Server::start().await;
    let mut witness = long_room(&server).await;
    let page = Page::enter(&server, "ana").await;
    page.message(&format!("第 {POSTS} 句")).await;
    when(
        &page,
        "the timeline is at its bottom",
        "return box.scrollHeight - box.clientHeight - box.scrollTop < 2;",
        json!([]),
    )
    .await;

    // Up, again and again, until the first words are there; each time the message that was on top stays in its place.
    let mut first = when(&page, "messages", "return seqs[0];", json!([])).await;
    loop {
        let before = script(
            &page,
            "box.scrollTop = 40;
             const top = box.getBoundingClientRect().top;
             const anchor = messages.find(m => m.getBoundingClientRect().top >= top);
             return anchor ? {seq: Number(anchor.dataset.seq), y: anchor.getBoundingClientRect().top} : null;",
            json!([]),
        )
        .await;
        assert!(before.is_object(), "a message is to be seen: {before}");
        let after = when(
            &page,
            "older messages have come, and the anchor is still",
            "const anchor = messages.find(m => Number(m.dataset.seq) === arguments[0].seq);
             if (!anchor || !(seqs[0] < arguments[1])) return null;
             const y = anchor.getBoundingClientRect().top;
             return {first: seqs[0], moved: Math.abs(y - arguments[0].y)};",
            json!([before, first]),
        )
        .await;
        assert!(after["moved"].as_f64().expect("a number") < 3.0, "it jumped: {after}");
        first = after["first"].clone();
        let found = script(
            &page,
            "return messages.some(m => m.querySelector('[data-testid=message-text]').textContent === '第 1 句');",
            json!([]),
        )
        .await;
        if found == json!(true) {
            break;
        }
    }
    let gapless =
        script(&page, "return seqs.every((seq, i) => i === 0 || seq === seqs[i - 1] + 1);", json!([])).await;
    assert_eq!(gapless, json!(true), "no message is missing or doubled");

    // While reading back, new words do not move anything; they are announced.
    let before = script(&page, "box.scrollTop = 200; return box.scrollTop;", json!([])).await;
    witness.post("lobby", "新的").await;
    when(
        &page,
        "one new message is announced",
        "const below = document.querySelector('[data-testid=new-below]');
         return below && below.dataset.count === '1';",
        json!([]),
    )
    .await;
    assert_eq!(script(&page, "return box.scrollTop;", json!([])).await, before);
    page.browser.click(&teahouse_tests::page::testid("new-below")).await;
    page.message("新的").await;
    when(
        &page,
        "the timeline is at its bottom again",
        "return box.scrollHeight - box.clientHeight - box.scrollTop < 2;",
        json!([]),
    )
    .await;
    page.hidden("new-below").await;
    assert_eq!(page.complaints().await, [""; 0]);
}

#[tokio::test]
async fn at_the_bottom_the_timeline_follows() {
    let server = Server::start().await;
    let mut witness = long_room(&server).await;
    let page = Page::enter(&server, "ana").await;
    page.message(&format!("第 {POSTS} 句")).await;
    for text in ["一\n二\n三\n四\n五", "末"] {
        witness.post("lobby", text).await;
        page.message(text).await;
        when(
            &page,
            "the timeline follows",
            "return box.scrollHeight - box.clientHeight - box.scrollTop < 2;",
            json!([]),
        )
        .await;
    }
    page.browser.element(&teahouse_tests::page::testid("day")).await;
}

#[tokio::test]
async fn writing_many_lines_leaves_the_timeline_at_its_end() {
    let server = Server::start().await;
    let mut witness = long_room(&server).await;
    let page = Page::enter(&server, "ana").await;
    page.message(&format!("第 {POSTS} 句")).await;
    page.write("一\n二\n三\n四\n五\n六").await;
    for text in ["七", "八", "九"] {
        page.write(text).await;
        witness.post("lobby", text).await;
        page.message(text).await;
        when(
            &page,
            "the timeline is at its end, and knows it",
            "return box.scrollHeight - box.clientHeight - box.scrollTop < 2 && box.dataset.atBottom === 'true';",
            json!([]),
        )
        .await;
    }
}

//! The browser client where it is hard: very many messages. Counts are asserted, times are only recorded.

use serde_json::json;
use teahouse_tests::browser::Browser;
use teahouse_tests::browser_scenes::{self as scenes, Scrolled};
use teahouse_tests::meter::{self, Depth, Meter, RowChanges};
use teahouse_tests::page::Page;
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

/// The most rows that stand in the page at a time, as `row_window.rs` has it.
const ROWS_MAX: u64 = 240;
/// The most that stand there for a reader who follows: those, a step more, and what comes at the same moment.
const FOLLOWED_MAX: u64 = 160;
/// As many as stand there at first in a room that has them.
const ROWS_FULL: u64 = 120;
/// So many more stand there before any goes.
const STEP: u64 = 14;
/// The most elements of a page whose rows are that many: a dozen for each, and what is around them.
const ELEMENTS_MAX: u64 = 12 * ROWS_MAX + 600;
const BUSY_SECONDS: u64 = 3;
const LONG_ROOM: &str = "长谈";
const LONG_ROOM_MESSAGES: u64 = 100_000;
/// More than the client holds at a time.
const SCROLLED_MESSAGES: u64 = 6_500;

#[tokio::test]
async fn a_hundred_messages_a_second_are_drawn_once_each() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    Meter::prepare(&browser).await;
    let page = Page::open(browser, &server).await;
    page.choose_name("ana").await;
    let busy = scenes::busy_room(&server, &page, 120, BUSY_SECONDS, Depth::Clock).await;

    assert_eq!(page.composed().await, busy.written, "no key is lost");
    let mut added: Vec<u64> = busy.rows.added.iter().copied().filter(|seq| *seq > 0).collect();
    let drawn = added.len() as u64;
    added.sort_unstable();
    added.dedup();
    assert_eq!(drawn, busy.posts, "each message comes, and no other row is drawn anew");
    assert_eq!(added.len() as u64, drawn, "each row comes once");
    assert_eq!(added.last(), Some(&busy.last));
    assert!(busy.rows.removed <= busy.rows.marked + busy.rows.added.len() as u64);
    assert!(busy.rows.most <= FOLLOWED_MAX, "{} rows stood there", busy.rows.most);
    assert!(busy.held[1].nodes <= ELEMENTS_MAX, "{}", busy.held[1]);
    meter::record(&format!(
        "## {BUSY_SECONDS} s of 100 messages a second in the open room\n{}- before: {}\n- after: {}",
        busy.cost, busy.held[0], busy.held[1]
    ));
    assert_eq!(page.complaints().await, [""; 0]);
}

#[tokio::test]
async fn a_new_message_leaves_the_rows_that_stand_there_alone() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    let page = Page::open(browser, &server).await;
    page.choose_name("ana").await;
    // Few enough for all of them to stay.
    let busy = scenes::busy_room(&server, &page, 10, 1, Depth::Clock).await;
    assert_eq!(busy.rows.removed, 0);
    assert_eq!(busy.rows.kept, busy.rows.marked, "the same nodes");
}

#[tokio::test]
async fn what_changes_in_a_full_timeline_touches_one_row() {
    let server = Server::start().await;
    let browser = Browser::start().await;
    let page = Page::open(browser, &server).await;
    page.choose_name("ana").await;
    scenes::say(&server, ROWS_FULL, None).await;
    let mut bo = tcp::connect(&server).await;
    bo.hello("bo").await;
    bo.must("join", json!({"room": "lobby"})).await;
    bo.post("lobby", "水开了").await;
    page.message("水开了").await;

    let rows = meter::watch_touched(&page.browser).await;
    assert!((ROWS_FULL..ROWS_FULL + STEP - 1).contains(&rows), "{rows} rows, none of which has to go yet");
    bo.post("lobby", "茶好了").await;
    page.message("茶好了").await;
    assert_eq!(meter::touched(&page.browser).await, ["茶好了"], "a message that comes");

    meter::watch_touched(&page.browser).await;
    page.say("这就来").await;
    page.message_in_state("这就来", "logged").await;
    let touched = meter::touched(&page.browser).await;
    assert!(
        touched.iter().all(|row| row == "这就来"),
        "an own post, from being sent to being logged: {touched:?}"
    );
}

#[tokio::test]
async fn a_room_of_100_000_messages_is_read_back_without_holes() {
    let server = scenes::server_with_long_room(LONG_ROOM, LONG_ROOM_MESSAGES).await;
    let browser = Browser::start().await;
    Meter::prepare(&browser).await;
    let page = Page::open(browser, &server).await;
    page.choose_name("ana").await;
    scenes::open_room(&page.browser, LONG_ROOM, LONG_ROOM_MESSAGES).await;
    let held = meter::held(&page.browser).await;
    let mut figures = format!("## A room of 100,000 messages\n- opened: {held}");

    let oldest = LONG_ROOM_MESSAGES - SCROLLED_MESSAGES;
    meter::watch_rows(&page.browser).await;
    let up = scenes::scroll(&page.browser, -600, oldest, Depth::Clock).await;
    assert_whole("up", &up);
    assert_drawn_once(&meter::row_changes(&page.browser).await, &up);
    assert!(up.seen.1 > LONG_ROOM_MESSAGES - ROWS_MAX, "it begins at the end: {:?}", up.seen);
    let held = meter::held(&page.browser).await;
    figures += &format!("\n\nScrolled up {SCROLLED_MESSAGES} messages:\n{}- then: {held}", up.cost);

    let target = LONG_ROOM_MESSAGES / 2;
    let ms = scenes::jump(&page.browser, LONG_ROOM, target).await;
    let up = scenes::scroll(&page.browser, -600, target - 300, Depth::Clock).await;
    assert_whole("up from a link", &up);
    // Not so fast that one falls through the gap before it is filled.
    let down = scenes::scroll(&page.browser, 120, target + 200, Depth::Clock).await;
    assert_whole("down again", &down);
    let held = meter::held(&page.browser).await;
    figures += &format!("\n\nTo message {target} by its link: {ms:.0} ms; then: {held}");

    for target in [2, LONG_ROOM_MESSAGES - 1_000, LONG_ROOM_MESSAGES / 4] {
        scenes::jump(&page.browser, LONG_ROOM, target).await;
    }

    page.browser.click("[data-testid=new-below]").await;
    page.browser
        .when(
            "the newest message is in view",
            "const row = document.querySelector(`[data-testid=message][data-seq='${arguments[0]}']`);
             const view = document.querySelector('[data-testid=timeline]').getBoundingClientRect();
             return row && row.getBoundingClientRect().top < view.bottom;",
            json!([LONG_ROOM_MESSAGES]),
        )
        .await;
    page.join().await;
    page.say("我读完了").await;
    page.message("我读完了").await;
    meter::record(&figures);
    assert_eq!(page.complaints().await, [""; 0]);
}

/// A page of history makes its own rows and no others, each when the reader comes near it.
fn assert_drawn_once(rows: &RowChanges, scrolled: &Scrolled) {
    let mut added: Vec<u64> = rows.added.iter().copied().filter(|seq| *seq > 0).collect();
    let drawn = added.len();
    added.sort_unstable();
    added.dedup();
    assert_eq!(added.len(), drawn, "no row comes twice");
    let way = scrolled.seen.1 - scrolled.seen.0;
    assert!(drawn as u64 <= way, "{drawn} rows came on a way of {way}");
}

fn assert_whole(what: &str, scrolled: &Scrolled) {
    assert_eq!((scrolled.missed, scrolled.wrong_frames), (0, 0), "{what}: holes in {:?}", scrolled.seen);
    assert!(scrolled.rows_most <= ROWS_MAX, "{what}: {} rows stood there", scrolled.rows_most);
    assert!(scrolled.elements_most <= ELEMENTS_MAX, "{what}: {} elements", scrolled.elements_most);
}

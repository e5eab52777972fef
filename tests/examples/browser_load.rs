//! What the browser client costs where it is hard: frames, work, memory and the echo of a key while 100 messages a second
//! arrive in the open room, and scrolling through a room of 100,000 messages. Build the client and a release server first
//! (`cargo xtask web`, `cargo build --release -p teahouse-server -p teahouse`), then:
//!
//! ```sh
//! TEAHOUSE_TEST_PROGRAMS=$PWD/target/release cargo run -p teahouse-tests --example browser_load -- busy full long
//! ```
//!
//! The figures are printed, and added to `target/browser-figures.md`.

use teahouse_tests::browser::Browser;
use teahouse_tests::browser_scenes as scenes;
use teahouse_tests::meter::{Meter, held, record, start_profile, stop_profile};
use teahouse_tests::page::Page;
use teahouse_tests::server::Server;

/// Unless the command line has a number.
const BUSY_SECONDS: u64 = 30;
const BUSY_BEFORE: u64 = 120;
/// As many as the client holds at a time.
const FULL_BEFORE: u64 = 5_000;
const LONG_ROOM: &str = "长谈";
const LONG_ROOM_MESSAGES: u64 = 100_000;
const SCROLLED_MESSAGES: u64 = 12_000;
const PROFILED_MESSAGES: u64 = 7_000;
/// Stretches of work that are shorter do not matter.
const PROFILED_MS: f64 = 12.0;
const PROFILED_FUNCTIONS: usize = 45;
const JUMPS: [u64; 5] = [50_000, 2, 99_000, 25_000, 75_000];

#[tokio::main]
async fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let seconds = wanted.iter().find_map(|word| word.parse().ok()).unwrap_or(BUSY_SECONDS);
    let all = wanted.iter().all(|word| word.parse::<u64>().is_ok());
    let does = |scene: &str| all || wanted.iter().any(|word| word == scene);
    if does("busy") {
        busy(BUSY_BEFORE, seconds).await;
    }
    if does("full") {
        busy(FULL_BEFORE, seconds).await;
    }
    if does("long") {
        long().await;
    }
    if wanted.iter().any(|word| word == "profile") {
        profile().await;
    }
}

async fn enter(server: &Server) -> Page {
    let browser = Browser::start().await;
    Meter::prepare(&browser).await;
    let page = Page::open(browser, server).await;
    page.choose_name("ana").await;
    page
}

async fn busy(before: u64, seconds: u64) {
    // All the writers come from one address.
    let server = Server::with(&["--posts-per-second", "0", "--address-posts-per-second", "0"]).await;
    let page = enter(&server).await;
    let busy = scenes::busy_room(&server, &page, before, seconds).await;
    record(&format!(
        "## {seconds} s of 100 messages a second after {before}\n{}- before: {}\n- after: {}\n- rows: {} came, {} went, \
         {} at most\n",
        busy.cost,
        busy.held[0],
        busy.held[1],
        busy.rows.added.len(),
        busy.rows.removed,
        busy.rows.most
    ));
}

/// Where the time goes, function by function, in frames that are too long.
async fn profile() {
    let server = scenes::server_with_long_room(LONG_ROOM, LONG_ROOM_MESSAGES).await;
    let page = enter(&server).await;
    scenes::open_room(&page.browser, LONG_ROOM, LONG_ROOM_MESSAGES).await;
    start_profile(&page.browser).await;
    scenes::scroll(&page.browser, -600, LONG_ROOM_MESSAGES - PROFILED_MESSAGES).await;
    let mut hot = stop_profile(&page.browser, PROFILED_MS).await;
    println!("stretches of work over {PROFILED_MS} ms, share of each function without what it calls:");
    for hot in hot.iter().take(PROFILED_FUNCTIONS) {
        println!("{:5.1} % {}", hot.alone * 100.0, hot.name);
    }
    hot.sort_by(|a, b| b.with_callees.total_cmp(&a.with_callees));
    println!("and with what it calls:");
    for hot in hot.iter().take(PROFILED_FUNCTIONS) {
        println!("{:5.1} % {}", hot.with_callees * 100.0, hot.name);
    }
}

async fn long() {
    let server = scenes::server_with_long_room(LONG_ROOM, LONG_ROOM_MESSAGES).await;
    let page = enter(&server).await;
    let browser = &page.browser;
    scenes::open_room(browser, LONG_ROOM, LONG_ROOM_MESSAGES).await;
    let opened = held(browser).await;
    let up = scenes::scroll(browser, -600, LONG_ROOM_MESSAGES - SCROLLED_MESSAGES).await;
    let scrolled = held(browser).await;
    let mut times = Vec::new();
    for seq in JUMPS {
        times.push(format!("{:.0}", scenes::jump(browser, LONG_ROOM, seq).await));
    }
    let jumped = held(browser).await;
    record(&format!(
        "## {SCROLLED_MESSAGES} of {LONG_ROOM_MESSAGES} messages upwards, 600 px a frame\n{}- opened: {opened}\n\
         - then: {scrolled}\n- rows at most: {}, elements at most: {}, holes: {}, wrong frames: {}\n\
         - to {JUMPS:?} by links: {} ms\n- then: {jumped}\n",
        up.cost,
        up.rows_most,
        up.elements_most,
        up.missed,
        up.wrong_frames,
        times.join(", ")
    ));
}

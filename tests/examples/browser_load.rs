//! What the browser client costs where it is hard: until one can write in it; frames, work, memory and the echo of a key
//! while 100 messages a second arrive in the open room; scrolling through a room of 100,000 messages.
//! `cargo xtask bench --only browser` builds what this needs, runs all of it and reports it. Parts of it:
//!
//! ```sh
//! cargo xtask web && cargo build --release -p teahouse-server -p teahouse
//! TEAHOUSE_TEST_PROGRAMS=$PWD/target/release cargo run -p teahouse-tests --example browser_load -- start busy full long
//! ```
//!
//! With `profile` it tells in which functions the time of long frames goes while one scrolls; those of the client have
//! names when it was built with `CARGO_PROFILE_WASM_RELEASE_STRIP=none`.

use std::path::{Path, PathBuf};

use serde_json::json;
use teahouse_bench::browser::{self as figures, BrowserFigures};
use teahouse_tests::browser::Browser;
use teahouse_tests::browser_scenes::{self as scenes, POSTS_PER_SECOND};
use teahouse_tests::meter::{Depth, Held, Meter, Times, held, start_profile, stop_profile};
use teahouse_tests::page::Page;
use teahouse_tests::programs;
use teahouse_tests::server::Server;

const SCENES: [&str; 5] = ["start", "busy", "full", "long", "profile"];
const BUSY_BEFORE: u64 = 120;
/// As many as the client holds at a time.
const FULL_BEFORE: u64 = 5_000;
const LONG_ROOM: &str = "长谈";
const LONG_ROOM_MESSAGES: u64 = 100_000;
const STEP_PX: u64 = 600;
const PROFILED_MESSAGES: u64 = 7_000;
/// Stretches of work that are shorter do not matter.
const PROFILED_MS: f64 = 12.0;
const PROFILED_FUNCTIONS: usize = 45;
const JUMPS: [u64; 5] = [50_000, 2, 99_000, 25_000, 75_000];
/// A frame that comes later than this after the one before has missed its turn.
const LATE_MS: f64 = 25.0;

/// How much of everything.
struct Size {
    visits: usize,
    reloads: usize,
    busy_seconds: u64,
    scrolled: u64,
}

const WHOLE: Size = Size { visits: 5, reloads: 2, busy_seconds: 25, scrolled: 12_000 };
const QUICK: Size = Size { visits: 2, reloads: 1, busy_seconds: 5, scrolled: 3_000 };

#[tokio::main]
async fn main() {
    let mut wanted: Vec<String> = Vec::new();
    let mut out: Option<PathBuf> = None;
    let mut quick = false;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => quick = true,
            "--out" => out = Some(words.next().expect("--out needs a file").into()),
            scene => {
                assert!(SCENES.contains(&scene), "there is no {scene}; there are {SCENES:?}");
                wanted.push(word);
            }
        }
    }
    let size = if quick { QUICK } else { WHOLE };
    if let Some(out) = out {
        assert!(wanted.is_empty(), "--out is for everything");
        return everything(&size, quick).await.write(&out).expect("the figures can be written");
    }
    let does =
        |scene: &str| wanted.iter().any(|word| word == scene) || wanted.is_empty() && scene != "profile";
    if does("start") {
        println!("{:#?}", start(&size).await);
    }
    if does("busy") {
        println!("{:#?}", busy(BUSY_BEFORE, size.busy_seconds).await);
    }
    if does("full") {
        println!("{:#?}", busy(FULL_BEFORE, size.busy_seconds).await);
    }
    if does("long") {
        println!("{:#?}", long(size.scrolled).await);
    }
    if does("profile") {
        profile().await;
    }
}

async fn everything(size: &Size, quick: bool) -> BrowserFigures {
    programs::assert_browser_client();
    let date = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string();
    println!("until the page can be used …");
    let (browser, [first_visit, reload]) = start(size).await;
    println!("{POSTS_PER_SECOND} messages a second after {BUSY_BEFORE} …");
    let few = busy(BUSY_BEFORE, size.busy_seconds).await;
    println!("{POSTS_PER_SECOND} messages a second after {FULL_BEFORE} …");
    let full = busy(FULL_BEFORE, size.busy_seconds).await;
    println!("a room of {LONG_ROOM_MESSAGES} messages …");
    let long = long(size.scrolled).await;
    BrowserFigures {
        date,
        browser,
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        quick,
        download_bytes: download_bytes(&programs::repository().join("dist")),
        first_visit,
        reload,
        busy: vec![few, full],
        long,
    }
}

/// What the browser calls itself, and how long it takes until a page can be used.
async fn start(size: &Size) -> (String, [figures::Times; 2]) {
    let server = Server::start().await;
    let starts = scenes::starts(&server, size.visits, size.reloads).await;
    let version = Browser::start().await.devtools("Browser.getVersion", json!({})).await;
    let product = version["product"].as_str().unwrap_or("an unknown browser").replace('/', " ");
    (product, starts.each_ref().map(times))
}

/// The compressed WebAssembly, scripts and styles.
fn download_bytes(dist: &Path) -> u64 {
    let files = std::fs::read_dir(dist)
        .expect("the client is built")
        .map(|entry| entry.expect("it stays there").path());
    let counted = files.filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        [".wasm.br", ".js.br", ".css.br"].iter().any(|ending| name.ends_with(ending))
    });
    counted.map(|path| path.metadata().expect("it stays there").len()).sum()
}

async fn enter(server: &Server) -> Page {
    let browser = Browser::start().await;
    Meter::prepare(&browser).await;
    let page = Page::open(browser, server).await;
    page.choose_name("ana").await;
    page
}

async fn busy(before: u64, seconds: u64) -> figures::Busy {
    // All the writers come from one address.
    let server = Server::with(&["--unlimited"]).await;
    let page = enter(&server).await;
    let busy = scenes::busy_room(&server, &page, before, seconds, Depth::Processor).await;
    let cost = &busy.cost;
    figures::Busy {
        before,
        posts_per_second: POSTS_PER_SECOND,
        seconds,
        work: times(&cost.work_processor),
        work_waiting: times(&cost.work),
        frames: times(&cost.intervals),
        late: cost.intervals.over(LATE_MS),
        key: times(&cost.handled),
        echo_work: times(&cost.echo_processor),
        echo_waiting: times(&cost.echo_work),
        echo: times(&cost.echo),
        posts: busy.posts,
        rows_added: busy.rows.added.iter().filter(|seq| **seq > 0).count(),
        rows_most: busy.rows.most,
        held_before: held_figures(busy.held[0]),
        held: held_figures(busy.held[1]),
    }
}

async fn long(scrolled: u64) -> figures::Long {
    let server = scenes::server_with_long_room(LONG_ROOM, LONG_ROOM_MESSAGES).await;
    let page = enter(&server).await;
    let browser = &page.browser;
    scenes::open_room(browser, LONG_ROOM, LONG_ROOM_MESSAGES).await;
    let opened = held(browser).await;
    let up =
        scenes::scroll(browser, -(STEP_PX as i64), LONG_ROOM_MESSAGES - scrolled, Depth::Processor).await;
    let after = held(browser).await;
    let mut jumps_ms = Vec::new();
    for seq in JUMPS {
        jumps_ms.push(scenes::jump(browser, LONG_ROOM, seq).await);
    }
    figures::Long {
        messages: LONG_ROOM_MESSAGES,
        scrolled,
        step_px: STEP_PX,
        work: times(&up.cost.work_processor),
        work_waiting: times(&up.cost.work),
        frames: times(&up.cost.intervals),
        late: up.cost.intervals.over(LATE_MS),
        holes: up.missed + up.wrong_frames,
        rows_most: up.rows_most,
        elements_most: up.elements_most,
        held_before: held_figures(opened),
        held: held_figures(after),
        jumps_ms,
    }
}

fn times(times: &Times) -> figures::Times {
    figures::Times {
        p50_ms: times.at(0.5),
        p99_ms: times.at(0.99),
        max_ms: times.at(1.0),
        count: times.count(),
    }
}

fn held_figures(held: Held) -> figures::Held {
    figures::Held { heap_bytes: held.heap_bytes, wasm_bytes: held.wasm_bytes, elements: held.nodes }
}

/// Where the time goes, function by function, in frames that are too long.
async fn profile() {
    let server = scenes::server_with_long_room(LONG_ROOM, LONG_ROOM_MESSAGES).await;
    let page = enter(&server).await;
    scenes::open_room(&page.browser, LONG_ROOM, LONG_ROOM_MESSAGES).await;
    start_profile(&page.browser).await;
    scenes::scroll(&page.browser, -(STEP_PX as i64), LONG_ROOM_MESSAGES - PROFILED_MESSAGES, Depth::Clock)
        .await;
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

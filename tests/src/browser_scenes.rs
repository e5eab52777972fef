//! What is hard on the browser client: to start, a room where very much is said, and one where very much has been said.

use std::time::Duration;

use serde_json::{Value, json};
use teahouse_protocol::{Event, EventKind, MemberName, RoomName, Seq, ServerMessage, UnixMillis, UserId};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::browser::Browser;
use crate::meter::{self, Cost, Depth, Held, Meter, RowChanges, Times};
use crate::page::{Page, testid};
use crate::process::Process;
use crate::server::{self, Server};
use crate::tcp;

/// So many write at the same time in the busy room.
const WRITERS: u64 = 4;
/// So many messages a second they write together.
pub const POSTS_PER_SECOND: u64 = 100;
/// A user who writes meanwhile presses a key so often.
const KEY_EVERY: Duration = Duration::from_millis(120);
/// When the long room was made: 2026-01-01.
const LONG_ROOM_MADE_MS: u64 = 1_767_225_600_000;
/// From one of its messages to the next.
const LONG_ROOM_STEP_MS: u64 = 61_000;

/// Notes the time at which the first of two things stands in the page: the field for a name, or a composer online.
const NOTE_USABLE: &str = "
    const look = () => {
        const composer = document.querySelector('[data-testid=composer]');
        const connection = document.querySelector('[data-testid=connection]');
        const online = composer && !composer.disabled && connection && connection.dataset.state === 'online';
        if (!window.usableAt && (online || document.querySelector('[data-testid=name-input]'))) {
            window.usableAt = performance.now();
        }
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });";

/// The times from navigation to the field for a name, each with an empty profile, and from there to a composer that one
/// can write in, each profile loading the page so often again.
pub async fn starts(server: &Server, visits: usize, reloads: usize) -> [Times; 2] {
    let (mut first, mut again) = (Vec::new(), Vec::new());
    for visit in 0..visits {
        let browser = Browser::start().await;
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": NOTE_USABLE })).await;
        let page = Page::open(browser, server).await;
        first.push(usable_at_ms(&page).await);
        page.choose_name(&format!("visitor{visit}")).await;
        for _ in 0..reloads {
            page.browser.reload().await;
            page.online().await;
            again.push(usable_at_ms(&page).await);
        }
    }
    [Times::new(first), Times::new(again)]
}

async fn usable_at_ms(page: &Page) -> f64 {
    let at = page.browser.when("the page is usable", "return window.usableAt || null", json!([])).await;
    at.as_f64().expect("a number of milliseconds")
}

/// What a busy room came to.
#[derive(Debug)]
pub struct Busy {
    /// How many messages were written into it.
    pub posts: u64,
    /// The seq of the last one.
    pub last: u64,
    /// What the user wrote meanwhile, key by key.
    pub written: String,
    /// What it cost.
    pub cost: Cost,
    /// What happened to its rows.
    pub rows: RowChanges,
    /// What the page held before and after.
    pub held: [Held; 2],
}

/// Opens a room in which `before` messages have been written and lets 100 messages a second arrive in it, while its user
/// writes one of his own without sending it.
pub async fn busy_room(server: &Server, page: &Page, before: u64, seconds: u64, depth: Depth) -> Busy {
    say(server, before, None).await;
    page.message(&words(before)).await;
    let held_before = meter::held(&page.browser).await;
    meter::watch_rows(&page.browser).await;
    page.browser.run("document.querySelector('[data-testid=composer]').focus()", json!([])).await;
    let meter = Meter::start(&page.browser, depth).await;
    let posts = POSTS_PER_SECOND * seconds;
    let mut said = std::pin::pin!(say(server, posts, Some(POSTS_PER_SECOND)));
    let mut keys = tokio::time::interval(KEY_EVERY);
    let mut written = String::new();
    let last = loop {
        tokio::select! {
            last = &mut said => break last,
            _ = keys.tick() => {
                page.key("a", "KeyA", 65, "a").await;
                written.push('a');
            }
        }
    };
    page.message(&words(posts)).await;
    let cost = meter.stop().await;
    let rows = meter::row_changes(&page.browser).await;
    let held = [held_before, meter::held(&page.browser).await];
    Busy { posts, last, written, cost, rows, held }
}

/// Writes so many messages into the lobby by several people at once. Answers the seq of the last.
pub async fn say(server: &Server, posts: u64, per_second: Option<u64>) -> u64 {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let mut client = tcp::connect(server).await;
        client.hello(&format!("writer{writer}-{posts}")).await;
        client.must("join", json!({"room": "lobby", "create": true})).await;
        writers.spawn(async move {
            let every =
                per_second.map_or(Duration::from_nanos(1), |rate| Duration::from_secs(WRITERS) / rate as u32);
            let mut due = tokio::time::interval(every);
            due.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let mut last = 0;
            // The last message of all is written when all others are there.
            for number in (1..posts).filter(|number| number % WRITERS == writer) {
                due.tick().await;
                last = client.post("lobby", &words(number)).await;
            }
            (last, client)
        });
    }
    let mut writers = writers.join_all().await;
    writers[0].1.post("lobby", &words(posts)).await
}

/// Words of different lengths, with what has to be found in them.
fn words(number: u64) -> String {
    match number % 5 {
        0 => format!("第 {number} 句：今天泡什么茶？"),
        1 => format!("{number}: see https://example.org/tea/{number} for the water's temperature"),
        2 => format!("{number} `cargo run` 之后再看，@bo 你说呢"),
        3 => format!("第 {number} 句，比别的长一些，这样一行放不下的时候就要换行：").repeat(3),
        _ => format!("{number}\n{number}"),
    }
}

/// A server with a room of so many messages, the first of them its creation.
pub async fn server_with_long_room(room: &str, messages: u64) -> Server {
    let mut server = Server::with(&[]).await;
    server.stop().await;
    let name = RoomName::parse(room).expect("a room's name");
    let people = ["周瑜", "bo", "小蛇"].map(|name| MemberName::parse(name).expect("a member's name"));
    let mut lines = String::new();
    for seq in 1..=messages {
        let kind = match seq {
            1 => EventKind::Create,
            _ => EventKind::Post { text: words(seq), action: false },
        };
        let author = seq / 4 % 3;
        let event = Event {
            room: name.clone(),
            seq: Seq::new(seq).expect("a small number"),
            at: UnixMillis::new(LONG_ROOM_MADE_MS + seq * LONG_ROOM_STEP_MS),
            user: UserId::new(1 + author).expect("a small number"),
            by: people[author as usize].clone(),
            op: None,
            kind,
        };
        lines += &ServerMessage::Event(event).to_json();
        lines.push('\n');
    }
    let mut import =
        Process::spawn("import", server::command(&server.data()).args(["import", "--room", room]));
    import.write(&lines).await;
    import.close_input();
    let finished = import.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    server.start_again().await;
    server
}

/// What going through a long room came to.
#[derive(Debug)]
pub struct Scrolled {
    /// The first and the last seq of the way, from the first message in view at its beginning.
    pub seen: (u64, u64),
    /// Seqs between them that were never in the page.
    pub missed: u64,
    /// Frames in which the rows in the page were not in order, or one of them twice, or one missing in between.
    pub wrong_frames: u64,
    /// The most rows that stood in the page.
    pub rows_most: u64,
    /// The most elements that the page had.
    pub elements_most: u64,
    /// What it cost.
    pub cost: Cost,
}

/// Scrolls by `step` pixels in each frame, up where it is negative, until the message `until` stands in the page.
pub async fn scroll(browser: &Browser, step: i64, until: u64, depth: Depth) -> Scrolled {
    let meter = Meter::start(browser, depth).await;
    browser.run(SCROLL, json!([step, until])).await;
    // The way may be long: as long as it goes on, it is waited for.
    let mut reached = -1;
    let scrolled = loop {
        let what = format!("scrolling goes on from seq {reached}");
        let script = "return scrolling.done ? scrolling
            : scrolling.reached !== arguments[0] && performance.now() - scrolling.told > 5000
                ? (scrolling.told = performance.now(), {reached: scrolling.reached}) : null;";
        let now = browser.when(&what, script, json!([reached])).await;
        if now["done"] == true {
            break now;
        }
        reached = now["reached"].as_i64().unwrap_or(-1);
    };
    let cost = meter.stop().await;
    let number = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("no number: {scrolled}"));
    Scrolled {
        seen: (number(&scrolled["first"]), number(&scrolled["last"])),
        missed: number(&scrolled["missed"]),
        wrong_frames: number(&scrolled["wrong"]),
        rows_most: number(&scrolled["rows"]),
        elements_most: number(&scrolled["elements"]),
        cost,
    }
}

const SCROLL: &str = "
    const [step, until] = arguments;
    const box = document.querySelector('[data-testid=timeline]');
    const seen = new Set();
    const top = box.getBoundingClientRect().top;
    const start = Number([...box.querySelectorAll('[data-testid=message][data-seq]')]
        .find(row => row.getBoundingClientRect().bottom > top).dataset.seq);
    const state = window.scrolling = { reached: -1, told: performance.now(), done: false, wrong: 0, rows: 0, elements: 0 };
    const look = () => {
        const rows = box.querySelectorAll('[data-testid=message][data-seq]');
        let last = null, wrong = false;
        for (const row of rows[0]?.parentElement.children ?? []) {
            const seq = Number(row.dataset.seq);
            // Nothing is said of rows that stand for an unknown number of events.
            if (['gap', 'membership', 'created'].includes(row.dataset.testid)) last = null;
            if (!seq) continue;
            wrong ||= last !== null && seq !== last + 1;
            last = seq;
            seen.add(seq);
        }
        if (wrong) state.wrong += 1;
        state.rows = Math.max(state.rows, rows.length);
        state.elements = Math.max(state.elements, document.getElementsByTagName('*').length);
        state.reached = rows.length ? Number(rows[step < 0 ? 0 : rows.length - 1].dataset.seq) : -1;
        if (seen.has(until)) {
            state.first = Math.min(start, until);
            state.last = Math.max(start, until);
            state.missed = 0;
            for (let seq = state.first; seq <= state.last; seq += 1) if (!seen.has(seq)) state.missed += 1;
            state.done = true;
            return;
        }
        box.scrollTop += step;
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);";

/// Goes to a message by its address, and waits until it is in view. Answers the time that took in the page.
pub async fn jump(browser: &Browser, room: &str, seq: u64) -> f64 {
    browser
        .run(
            "window.jumpedAt = performance.now();
             location.hash = `#/room/${encodeURIComponent(arguments[0])}/${arguments[1]}`;",
            json!([room, seq]),
        )
        .await;
    let shown = browser
        .when(
            &format!("message {seq} is in view"),
            "const row = document.querySelector(`[data-testid=message][data-seq='${arguments[0]}']`);
             if (!row) return null;
             const view = document.querySelector('[data-testid=timeline]').getBoundingClientRect();
             const { top, bottom } = row.getBoundingClientRect();
             return bottom > view.top && top < view.bottom ? { ms: performance.now() - jumpedAt } : null;",
            json!([seq]),
        )
        .await;
    shown["ms"].as_f64().expect("a number of milliseconds")
}

/// Opens a room to be read, by its address, and waits until its last message is there.
pub async fn open_room(browser: &Browser, room: &str, last: u64) {
    browser.run("location.hash = `#/room/${encodeURIComponent(arguments[0])}`;", json!([room])).await;
    browser.element(&format!("{}[data-seq=\"{last}\"]", testid("message"))).await;
}

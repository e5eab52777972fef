//! What a real browser makes of the client: measured by another program, kept here as data, and reported.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::results::grouped;

/// The file of the figures, beside the other results.
pub const FILE: &str = "browser.json";
/// What `--only` calls it.
pub const NAME: &str = "browser";

/// One frame at 60 a second.
const FRAME_MS: f64 = 16.7;
const DOWNLOAD_BYTES_MAX: u64 = 400 * 1024;
/// The most rows that the client keeps in the page, as `row_window.rs` of it says.
const ROWS_MAX: u64 = 240;

/// Everything that one run in a browser has found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BrowserFigures {
    /// When it began, in UTC.
    pub date: String,
    /// The browser and its version.
    pub browser: String,
    /// Where it ran: how many cores this process may use.
    pub cores: usize,
    /// Whether it was the short form, whose figures are rough.
    pub quick: bool,
    /// What a first visit downloads of WebAssembly, scripts and styles, after brotli.
    pub download_bytes: u64,
    /// From navigation to the field for a name, with an empty profile.
    pub first_visit: Times,
    /// From navigation to a composer that one can write in, for somebody known.
    pub reload: Times,
    /// While messages arrive in the open room.
    pub busy: Vec<Busy>,
    /// A room in which very much has been said.
    pub long: Long,
}

/// Many times of one thing, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Half of them were at most this long.
    pub p50_ms: f64,
    /// All but one in a hundred were.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
    /// How many there were.
    pub count: usize,
}

/// What the page holds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// The heap of its JavaScript, garbage not counted.
    pub heap_bytes: u64,
    /// The memory of its WebAssembly.
    pub wasm_bytes: u64,
    /// Its elements.
    pub elements: u64,
}

/// Messages arrive while the user writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Busy {
    /// How many messages had been said in the room before.
    pub before: u64,
    /// So many come in a second.
    pub posts_per_second: u64,
    /// For so long.
    pub seconds: u64,
    /// The page's own work for a frame, callbacks, style, layout and drawing: processor time of its main thread.
    pub work: Times,
    /// The same by the clock, which goes on while the thread waits for a core.
    pub work_waiting: Times,
    /// From one frame to the next.
    pub frames: Times,
    /// How many of these were longer than a frame and a half.
    pub late: usize,
    /// What the page does with a key, by the clock.
    pub key: Times,
    /// The page's own work for a key and the frame that shows it: processor time of its main thread.
    pub echo_work: Times,
    /// The same by the clock, which goes on while the thread waits for a core.
    pub echo_waiting: Times,
    /// From the key to its echo on the screen, with the wait for the next frame.
    pub echo: Times,
    /// How many messages came.
    pub posts: u64,
    /// How many rows were put into the page.
    pub rows_added: usize,
    /// The most rows that stood there.
    pub rows_most: u64,
    /// What the page held before.
    pub held_before: Held,
    /// And after.
    pub held: Held,
}

/// Scrolling upwards through a long room, and going to messages anywhere in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Long {
    /// How many messages the room has.
    pub messages: u64,
    /// How many of them were scrolled through.
    pub scrolled: u64,
    /// How fast, in pixels for each frame.
    pub step_px: u64,
    /// The page's own work for a frame, callbacks, style, layout and drawing: processor time of its main thread.
    pub work: Times,
    /// The same by the clock, which goes on while the thread waits for a core.
    pub work_waiting: Times,
    /// From one frame to the next.
    pub frames: Times,
    /// How many of these were longer than a frame and a half.
    pub late: usize,
    /// Messages on the way that never stood in the page.
    pub holes: u64,
    /// The most rows that stood in the page.
    pub rows_most: u64,
    /// The most elements.
    pub elements_most: u64,
    /// What the page held when the room was open.
    pub held_before: Held,
    /// And after scrolling.
    pub held: Held,
    /// The time to messages anywhere in the room by their addresses.
    pub jumps_ms: Vec<f64>,
}

impl BrowserFigures {
    /// Reads [`FILE`] in a folder, where it is there.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text)
            .map(Some)
            .with_context(|| format!("{} is not the bench's", path.display()))
    }

    /// Writes such a file.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Lets the program that measures the client in a browser write its figures into a folder, and shows them.
pub fn measure(program: &Path, folder: &Path, quick: bool) -> Result<()> {
    let mut command = Command::new(program);
    command.arg("--out").arg(folder.join(FILE));
    if quick {
        command.arg("--quick");
    }
    let status = command.status().with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(
        status.success(),
        "the browser client could not be measured: {} ended with {status}",
        program.display()
    );
    println!("{}", section(BrowserFigures::read(folder)?.as_ref()));
    Ok(())
}

/// A promise of the design that is kept in a browser.
#[derive(Debug)]
pub struct BrowserBudget {
    /// The budget in words.
    pub bound: &'static str,
    /// What was reached, in words, and whether that keeps it.
    pub judge: fn(&BrowserFigures) -> (String, bool),
}

/// The size of what is downloaded.
pub static DOWNLOAD: BrowserBudget = BrowserBudget {
    bound: "400 KiB",
    judge: |figures| (kib(figures.download_bytes), figures.download_bytes <= DOWNLOAD_BYTES_MAX),
};

/// The work between a key and its echo.
pub static ECHO: BrowserBudget = BrowserBudget {
    bound: "one frame, 16.7 ms",
    judge: |figures| {
        let worst = figures.busy.iter().map(|busy| busy.echo_work.p99_ms).fold(0.0, f64::max);
        (format!("{worst:.1} ms"), worst <= FRAME_MS && !figures.busy.is_empty())
    },
};

/// The work of a frame while a long room is scrolled through.
pub static SCROLL: BrowserBudget = BrowserBudget {
    bound: "one frame, 16.7 ms",
    judge: |figures| {
        let p99 = figures.long.work.p99_ms;
        (format!("{p99:.1} ms"), p99 <= FRAME_MS)
    },
};

/// The size of the page.
pub static DOM: BrowserBudget = BrowserBudget {
    bound: "bounded: 240 rows",
    judge: |figures| {
        let long = &figures.long;
        let most = figures.busy.iter().map(|busy| busy.rows_most).fold(long.rows_most, u64::max);
        (format!("{most} rows, {} elements", whole(long.elements_most)), most <= ROWS_MAX)
    },
};

/// The section of the report.
pub(crate) fn section(figures: Option<&BrowserFigures>) -> String {
    let Some(figures) = figures else {
        return "\n## Browser\n\nNothing recorded: `cargo xtask bench --only browser` does.\n".into();
    };
    let mut out = String::from("\n## Browser\n\n");
    if figures.quick {
        out.push_str("**This is the short form: rough figures.**\n\n");
    }
    let _ = writeln!(
        out,
        "{}, {}, {} cores shared by browser, server and writers; without a window or graphics card, so that the processor \
         draws (1280 × 800). Client and server as they are released. `cargo xtask bench --only browser` measures this alone. \
         Times are p50 / p99 / longest. The work of a frame is processor time of the page's main thread; by the clock it takes \
         longer, since that thread shares the cores with those that compose and draw, with the server and with the writers. A \
         frame at 60 a second lasts 16.7 ms. A key's echo waits for the next frame besides. What is counted here, the stories in \
         `tests/tests/stories/browser_speed.rs` assert.\n",
        figures.date, figures.browser, figures.cores
    );
    const CLOCK: &str = "… the same by the clock";
    out.push_str("| what | |\n|---|---|\n");
    let mut row = |what: &str, figure: String| {
        let _ = writeln!(out, "| {what} | {figure} |");
    };
    row("wasm, js and css after brotli", kib(figures.download_bytes));
    row("from navigation to the field for a name, empty profile", times(figures.first_visit));
    row("from navigation to a usable composer, known user", times(figures.reload));
    for busy in &figures.busy {
        let what = format!(
            "{} messages/s for {} s in the open room, after {}",
            busy.posts_per_second,
            busy.seconds,
            whole(busy.before)
        );
        row(&format!("{what}: work of a frame"), times(busy.work));
        row(CLOCK, times(busy.work_waiting));
        row("… from frame to frame", format!("{}; {} later than 25 ms", times(busy.frames), busy.late));
        row("… a key to its echo: work for the key and of the frame", times(busy.echo_work));
        row(CLOCK, times(busy.echo_waiting));
        row("… by the clock, for the key alone", times(busy.key));
        row("… a key to its echo on the screen, with the wait for the frame", times(busy.echo));
        row(
            "… messages, rows made for them, rows in the page at most",
            format!("{}, {}, {}", whole(busy.posts), whole(busy.rows_added as u64), busy.rows_most),
        );
        row("… the page before and after", format!("{}; {}", held(busy.held_before), held(busy.held)));
    }
    let long = &figures.long;
    let what = format!(
        "scrolling up {} of {} messages, {} px a frame",
        whole(long.scrolled),
        whole(long.messages),
        long.step_px
    );
    row(&format!("{what}: work of a frame"), times(long.work));
    row(CLOCK, times(long.work_waiting));
    row("… from frame to frame", format!("{}; {} later than 25 ms", times(long.frames), long.late));
    row(
        "… messages skipped, rows and elements in the page at most",
        format!("{}, {}, {}", long.holes, long.rows_most, whole(long.elements_most)),
    );
    row("… the page before and after", format!("{}; {}", held(long.held_before), held(long.held)));
    let jumps: Vec<String> = long.jumps_ms.iter().map(|ms| format!("{ms:.0}")).collect();
    row("… to messages anywhere in it by their addresses", format!("{} ms", jumps.join(", ")));
    out
}

fn times(times: Times) -> String {
    format!(
        "{:.1} / {:.1} / {:.1} ms ({} times)",
        times.p50_ms,
        times.p99_ms,
        times.max_ms,
        whole(times.count as u64)
    )
}

fn held(held: Held) -> String {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    format!(
        "heap {:.1} MiB, WebAssembly {:.1} MiB, {} elements",
        mib(held.heap_bytes),
        mib(held.wasm_bytes),
        whole(held.elements)
    )
}

fn kib(bytes: u64) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}

fn whole(number: u64) -> String {
    grouped(i64::try_from(number).unwrap_or(i64::MAX))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn figures() -> BrowserFigures {
        let times = Times { p50_ms: 4.0, p99_ms: 12.5, max_ms: 20.0, count: 1_000 };
        let held = Held { heap_bytes: 1 << 20, wasm_bytes: 2 << 20, elements: 2_250 };
        let busy = Busy {
            before: 5_000,
            posts_per_second: 100,
            seconds: 25,
            work: times,
            work_waiting: times,
            frames: times,
            late: 0,
            key: times,
            echo_work: times,
            echo_waiting: times,
            echo: times,
            posts: 2_500,
            rows_added: 2_500,
            rows_most: 240,
            held_before: held,
            held,
        };
        let long = Long {
            messages: 100_000,
            scrolled: 12_000,
            step_px: 600,
            work: times,
            work_waiting: times,
            frames: times,
            late: 1,
            holes: 0,
            rows_most: 240,
            elements_most: 2_250,
            held_before: held,
            held,
            jumps_ms: vec![44.6],
        };
        BrowserFigures {
            date: "2026-11-22 21:00 UTC".into(),
            browser: "chrome 156".into(),
            cores: 2,
            quick: false,
            download_bytes: 271 * 1024,
            first_visit: times,
            reload: times,
            busy: vec![busy],
            long,
        }
    }

    #[test]
    fn the_section_has_every_figure() {
        let text = section(Some(&figures()));
        assert!(text.contains("| wasm, js and css after brotli | 271.0 KiB |"), "{text}");
        assert!(
            text.contains("100 messages/s for 25 s in the open room, after 5,000: work of a frame | 4.0 / 12.5 / 20.0 ms"),
            "{text}"
        );
        assert!(text.contains("heap 1.0 MiB, WebAssembly 2.0 MiB, 2,250 elements"), "{text}");
        assert!(!section(None).contains('|'));
    }

    #[test]
    fn budgets_are_judged_by_the_worst() {
        let mut figures = figures();
        assert_eq!((SCROLL.judge)(&figures), ("12.5 ms".into(), true));
        assert_eq!((DOM.judge)(&figures), ("240 rows, 2,250 elements".into(), true));
        assert!((ECHO.judge)(&figures).1 && (DOWNLOAD.judge)(&figures).1);
        let mut worse = figures.busy[0].clone();
        (worse.echo_work.p99_ms, worse.rows_most) = (17.0, 241);
        figures.busy.push(worse);
        assert_eq!((ECHO.judge)(&figures), ("17.0 ms".into(), false));
        assert!(!(DOM.judge)(&figures).1);
    }

    #[test]
    fn figures_come_back_from_their_file() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(BrowserFigures::read(folder.path()).unwrap(), None);
        figures().write(&folder.path().join(FILE)).unwrap();
        assert_eq!(BrowserFigures::read(folder.path()).unwrap(), Some(figures()));
    }
}

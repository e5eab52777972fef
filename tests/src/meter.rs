//! What the browser client costs: frames, work and memory of a page, and what happens to its rows. Times are for reading,
//! never for asserting; counts are for both.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::programs;
use crate::trace::{Trace, Traced};

/// Notes, from before the page's own scripts run, the memory of its WebAssembly.
const NOTE_MEMORY: &str = "
    for (const name of ['instantiate', 'instantiateStreaming']) {
        const real = WebAssembly[name];
        WebAssembly[name] = async (...given) => {
            const made = await real.apply(WebAssembly, given);
            const exports = (made.instance ?? made).exports;
            window.meterMemory = Object.values(exports).find(value => value instanceof WebAssembly.Memory);
            return made;
        };
    }";

/// Notes every frame until it is told to stop. A frame's work lasts from its first animation callback to the first task
/// after it was drawn; a key's echo from the key to the same point of the frame that shows it.
const NOTE_FRAMES: &str = "
    const [traced] = arguments;
    const measure = (name, start, end) => { if (traced) performance.measure(name, { start, end }); };
    const meter = window.meter = { intervals: [], work: [], echo: [], echoWork: [], handled: [], long: [], last: null, stop: false };
    const afterDrawing = act => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => { act(performance.now()); channel.port1.close(); };
        channel.port2.postMessage(null);
    };
    const frame = due => {
        if (meter.stop) return;
        const begun = meter.begun = performance.now();
        if (meter.last !== null) meter.intervals.push(due - meter.last);
        meter.last = due;
        afterDrawing(now => {
            meter.work.push(now - begun);
            measure(`frame ${meter.work.length}`, begun, now);
        });
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    let key = null;
    addEventListener('keydown', event => key = { at: event.timeStamp, begun: performance.now() }, true);
    addEventListener('input', () => {
        if (key === null) return;
        const { at, begun } = key;
        key = null;
        const done = performance.now(), handled = done - begun;
        meter.handled.push(handled);
        const number = meter.handled.length;
        measure(`key ${number}`, begun, done);
        requestAnimationFrame(() => {
            const begun = meter.begun;
            afterDrawing(now => {
                meter.echo.push(now - at);
                meter.echoWork.push(handled + now - begun);
                measure(`echo ${number}`, begun, now);
            });
        });
    });
    meter.observer = new PerformanceObserver(list => {
        for (const entry of list.getEntries()) meter.long.push(entry.duration);
    });
    meter.observer.observe({ type: 'longtask' });";

/// Notes which rows come into the timeline and which go, and how many stand there at most.
const NOTE_ROWS: &str = "
    const content = document.querySelector('[data-testid=timeline] [data-testid=message]').parentElement;
    const rows = window.meterRows = { added: [], removed: 0, most: content.childElementCount, kept: 0 };
    for (const row of content.children) row.meterMark = true;
    rows.marked = content.childElementCount;
    rows.observer = new MutationObserver(changes => {
        for (const change of changes) {
            for (const node of change.addedNodes) if (node.nodeType === 1) rows.added.push(Number(node.dataset.seq ?? 0));
            for (const node of change.removedNodes) if (node.nodeType === 1) rows.removed += 1;
        }
        rows.most = Math.max(rows.most, content.childElementCount);
    });
    rows.observer.observe(content, { childList: true });
    rows.content = content;";

/// Notes which rows of the timeline anything happens to: that they come, go, or change in whatever is in them but the bar
/// that follows the pointer.
const NOTE_TOUCHED: &str = "
    const content = document.querySelector('[data-testid=timeline] [data-testid=message]').parentElement;
    const touched = window.meterTouched = { rows: new Set(), stand: content.childElementCount };
    const bar = '[data-testid=message-tools]';
    const row = node => { while (node && node.parentNode !== content) node = node.parentNode; return node; };
    touched.observer = new MutationObserver(changes => {
        for (const { target, addedNodes, removedNodes } of changes) {
            const nodes = [...addedNodes, ...removedNodes];
            if (target.nodeType === 1 && target.closest(bar) || nodes.length && nodes.every(node => node.matches?.(bar))) continue;
            for (const node of target === content ? nodes : [row(target)]) if (node?.nodeType === 1) touched.rows.add(node);
        }
    });
    touched.observer.observe(content, { subtree: true, childList: true, attributes: true, characterData: true });";

/// Measures the page of one browser.
#[derive(Debug)]
pub struct Meter<'a> {
    browser: &'a Browser,
    before: Totals,
    trace: Option<Trace>,
}

/// How closely a page is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// By its own clock.
    Clock,
    /// And by the processor time of its main thread, which costs a trace.
    Processor,
}

/// What Chromium has counted for the page since it was loaded.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    timestamp_s: f64,
    task_s: f64,
    script_s: f64,
    layout_s: f64,
    style_s: f64,
}

/// Many times of one thing, in milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Times(Vec<f64>);

/// What a stretch of time cost.
#[derive(Debug, Clone)]
pub struct Cost {
    /// From one frame to the next.
    pub intervals: Times,
    /// A frame's callbacks, style, layout and drawing.
    pub work: Times,
    /// From a key to the frame that shows it.
    pub echo: Times,
    /// What the page does with a key.
    pub handled: Times,
    /// That and the work of the frame that shows the key.
    pub echo_work: Times,
    /// The same in processor time of the page's main thread, where that was traced.
    pub echo_processor: Times,
    /// What `work` is in processor time of the page's main thread, where that was traced.
    pub work_processor: Times,
    /// Tasks longer than 50 ms.
    pub long_tasks: Times,
    /// How long it lasted.
    pub lasted_s: f64,
    /// The share of it that the page's main thread worked, and what of it went to scripts, to style and to layout.
    pub busy: [f64; 4],
}

/// What a page holds.
#[derive(Debug, Clone, Copy)]
pub struct Held {
    /// The heap of its JavaScript, in bytes, after a collection.
    pub heap_bytes: u64,
    /// The memory of its WebAssembly, in bytes; it never shrinks.
    pub wasm_bytes: u64,
    /// Its DOM nodes.
    pub nodes: u64,
}

/// What happened to the timeline's rows.
#[derive(Debug, Clone)]
pub struct RowChanges {
    /// The seqs of the rows that came into the page, in this order; 0 for rows that are no messages.
    pub added: Vec<u64>,
    /// How many rows went.
    pub removed: u64,
    /// The most that stood there at a time.
    pub most: u64,
    /// How many stood there at first, and how many of those at the end, as the same nodes.
    pub marked: u64,
    /// See `marked`.
    pub kept: u64,
}

impl<'a> Meter<'a> {
    /// To be called before the page is opened whose WebAssembly memory is to be known.
    pub async fn prepare(browser: &Browser) {
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": NOTE_MEMORY})).await;
    }

    /// Begins to measure.
    pub async fn start(browser: &'a Browser, depth: Depth) -> Self {
        let trace = match depth {
            Depth::Clock => None,
            Depth::Processor => Some(Trace::start(browser).await),
        };
        browser.run(NOTE_FRAMES, json!([trace.is_some()])).await;
        let before = totals(browser).await;
        Self { browser, before, trace }
    }

    /// What it cost since the start.
    pub async fn stop(self) -> Cost {
        let after = totals(self.browser).await;
        let script = "meter.stop = true; meter.observer.disconnect(); return meter;";
        let meter = self.browser.run(script, json!([])).await;
        let traced = match self.trace {
            Some(trace) => trace.stop().await,
            None => Traced::default(),
        };
        let echoes = traced.names("echo ").map(|echo| [echo.replace("echo", "key"), echo.to_owned()]);
        let echo_processor = echoes.map(|[key, echo]| traced.processor_ms(&[&key, &echo])).collect();
        let frame_processor = traced.names("frame ").map(|frame| traced.processor_ms(&[frame])).collect();
        let times = |name: &str| {
            let list = meter[name].as_array().into_iter().flatten();
            Times::new(list.filter_map(Value::as_f64).collect())
        };
        let before = self.before;
        let lasted_s = after.timestamp_s - before.timestamp_s;
        Cost {
            intervals: times("intervals"),
            work: times("work"),
            echo: times("echo"),
            handled: times("handled"),
            echo_work: times("echoWork"),
            echo_processor: Times::new(echo_processor),
            work_processor: Times::new(frame_processor),
            long_tasks: times("long"),
            lasted_s,
            busy: [
                (after.task_s - before.task_s) / lasted_s,
                (after.script_s - before.script_s) / lasted_s,
                (after.style_s - before.style_s) / lasted_s,
                (after.layout_s - before.layout_s) / lasted_s,
            ],
        }
    }
}

/// Begins to note what happens to the timeline's rows.
pub async fn watch_rows(browser: &Browser) {
    browser.run(NOTE_ROWS, json!([])).await;
}

/// What has happened to the timeline's rows.
pub async fn row_changes(browser: &Browser) -> RowChanges {
    let script = "const { added, removed, most, marked, content } = meterRows;
        const kept = [...content.children].filter(row => row.meterMark).length;
        return { added, removed, most, marked, kept };";
    let rows = browser.run(script, json!([])).await;
    let number = |name: &str| rows[name].as_u64().unwrap_or_else(|| panic!("no {name}: {rows}"));
    RowChanges {
        added: rows["added"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect(),
        removed: number("removed"),
        most: number("most"),
        marked: number("marked"),
        kept: number("kept"),
    }
}

/// Begins to note which rows of the timeline are touched. Answers how many stand there.
pub async fn watch_touched(browser: &Browser) -> u64 {
    let rows = browser.run(&format!("{NOTE_TOUCHED} return touched.stand;"), json!([])).await;
    rows.as_u64().expect("a number of rows")
}

/// What stands in the rows that were touched since then, each once.
pub async fn touched(browser: &Browser) -> Vec<String> {
    let script = "meterTouched.observer.disconnect();
        return [...meterTouched.rows].map(row => row.querySelector('[data-testid=message-text]')?.textContent ?? '');";
    let rows = browser.run(script, json!([])).await;
    rows.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// What the page holds at this moment, garbage not counted.
pub async fn held(browser: &Browser) -> Held {
    browser.devtools("HeapProfiler.collectGarbage", json!({})).await;
    let metrics = metrics(browser).await;
    let wasm = browser.run("return window.meterMemory?.buffer.byteLength ?? 0;", json!([])).await;
    Held {
        heap_bytes: metrics("JSHeapUsedSize") as u64,
        wasm_bytes: wasm.as_u64().unwrap_or_default(),
        nodes: browser
            .run("return document.querySelectorAll('*').length;", json!([]))
            .await
            .as_u64()
            .unwrap_or(0),
    }
}

async fn totals(browser: &Browser) -> Totals {
    let metric = metrics(browser).await;
    Totals {
        timestamp_s: metric("Timestamp"),
        task_s: metric("TaskDuration"),
        script_s: metric("ScriptDuration"),
        layout_s: metric("LayoutDuration"),
        style_s: metric("RecalcStyleDuration"),
    }
}

async fn metrics(browser: &Browser) -> impl Fn(&str) -> f64 {
    browser.devtools("Performance.enable", json!({})).await;
    let answer = browser.devtools("Performance.getMetrics", json!({})).await;
    move |name| {
        let metric = answer["metrics"].as_array().into_iter().flatten().find(|metric| metric["name"] == name);
        metric.and_then(|metric| metric["value"].as_f64()).unwrap_or_else(|| panic!("no {name}: {answer}"))
    }
}

impl Times {
    pub(crate) fn new(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that this share of them does not exceed.
    pub fn at(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get((last as f64 * share).round() as usize).copied().unwrap_or(0.0)
    }

    /// How many are longer than that.
    pub fn over(&self, ms: f64) -> usize {
        self.0.iter().filter(|time| **time > ms).count()
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (half, most, all) = (self.at(0.5), self.at(0.99), self.at(1.0));
        write!(f, "{half:.1} / {most:.1} / {all:.1} ms ({} times)", self.count())
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [task, script, style, layout] = self.busy.map(|share| share * 100.0);
        writeln!(f, "- work of a frame (median / 99 % / most): {}", self.work)?;
        writeln!(f, "- from frame to frame: {}; {} over 25 ms", self.intervals, self.intervals.over(25.0))?;
        if self.echo.count() > 0 {
            writeln!(
                f,
                "- key to echo on the screen: {}; work for a key: {}, and of the frame that shows it: {}",
                self.echo, self.handled, self.echo_work
            )?;
        }
        writeln!(f, "- tasks over 50 ms: {}", self.long_tasks)?;
        writeln!(
            f,
            "- main thread busy {task:.0} % of {:.1} s: scripts {script:.0} %, style {style:.0} %, layout {layout:.0} %",
            self.lasted_s
        )
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let (heap, wasm) = (mib(self.heap_bytes), mib(self.wasm_bytes));
        write!(f, "heap {heap:.1} MiB, WebAssembly {wasm:.1} MiB, {} elements", self.nodes)
    }
}

/// Notes where the page's main thread spends its time.
pub async fn start_profile(browser: &Browser) {
    browser.devtools("Profiler.enable", json!({})).await;
    browser.devtools("Profiler.setSamplingInterval", json!({"interval": 200})).await;
    browser.devtools("Profiler.start", json!({})).await;
}

/// A function of the page and the shares of the time that went to itself, and to itself and what it called.
#[derive(Debug, Clone, PartialEq)]
pub struct Hot {
    /// The function's name; the client's functions have names only where it was built without `strip`.
    pub name: String,
    /// Without what it called.
    pub alone: f64,
    /// With what it called.
    pub with_callees: f64,
}

/// Where the page's main thread spent its time since then, the most expensive functions first: of all the time that it
/// worked, or of its stretches of work that lasted longer than so many milliseconds.
pub async fn stop_profile(browser: &Browser, longer_than_ms: f64) -> Vec<Hot> {
    let answer = browser.devtools("Profiler.stop", json!({})).await;
    let list = |name: &str| answer["profile"][name].as_array().cloned().unwrap_or_default();
    let mut names: BTreeMap<u64, String> = BTreeMap::new();
    let mut parents: BTreeMap<u64, u64> = BTreeMap::new();
    for node in list("nodes") {
        let id = node["id"].as_u64().unwrap_or_default();
        names.insert(id, node["callFrame"]["functionName"].as_str().unwrap_or_default().to_owned());
        for child in node["children"].as_array().into_iter().flatten().filter_map(Value::as_u64) {
            parents.insert(child, id);
        }
    }
    let samples = list("samples").into_iter().map(|id| id.as_u64().unwrap_or_default());
    let times = list("timeDeltas").into_iter().map(|us| us.as_f64().unwrap_or_default() / 1e3);
    // A sample stands for the time until the next one.
    let samples: Vec<(u64, f64)> = samples.zip(times.skip(1)).collect();
    let mut shares: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    let mut all = 0.0;
    let stretches = samples.split(|(id, _)| names.get(id).is_some_and(|name| name == "(idle)"));
    for stretch in
        stretches.filter(|stretch| stretch.iter().map(|sample| sample.1).sum::<f64>() > longer_than_ms)
    {
        for (id, ms) in stretch {
            all += ms;
            let stack = std::iter::successors(Some(id), |id| parents.get(id)).filter_map(|id| names.get(id));
            let mut seen: Vec<&str> = Vec::new();
            for name in stack.map(String::as_str) {
                let share = shares.entry(name).or_default();
                if seen.is_empty() {
                    share.0 += ms;
                }
                if !seen.contains(&name) {
                    share.1 += ms;
                }
                seen.push(name);
            }
        }
    }
    let mut hot: Vec<Hot> = shares
        .into_iter()
        .map(|(name, (alone, with_callees))| Hot {
            name: name.to_owned(),
            alone: alone / all,
            with_callees: with_callees / all,
        })
        .collect();
    hot.sort_by(|a, b| b.alone.total_cmp(&a.alone));
    hot
}

/// Adds to the file of figures: `browser-figures.md` in the folder of the repository's `target`.
pub fn record(text: &str) -> PathBuf {
    let folder = programs::repository().join("target");
    std::fs::create_dir_all(&folder).expect("target can be written");
    let path = folder.join("browser-figures.md");
    let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    // One write, because stories run at the same time.
    file.and_then(|mut file| file.write_all(format!("{text}\n").as_bytes())).expect("target can be written");
    println!("{text}");
    path
}

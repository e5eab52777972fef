//! A trace of the browser, for the processor time that stretches of a page's main thread took. The clock of a page counts
//! the waiting for a core too, and on a machine with few of them the browser's own threads wait for each other.

use std::collections::BTreeMap;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::browser::Browser;
use crate::wait::within;

/// Tasks, and what a page notes with `performance.measure`.
const CATEGORIES: [&str; 2] = ["toplevel", "blink.user_timing"];
/// How the browser calls the run of one task, behind the name of what runs it.
const TASK: &str = "RunTask";

/// A browser that is being traced.
#[derive(Debug)]
pub struct Trace {
    devtools: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// One task of a thread, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Task {
    begin: f64,
    end: f64,
    processor: f64,
}

/// A process and a thread of it.
type Thread = (u64, u64);

/// What was traced.
#[derive(Debug, Default)]
pub struct Traced {
    /// By their threads, in the order of time.
    tasks: BTreeMap<Thread, Vec<Task>>,
    /// By their names: the thread, begin and end.
    measures: BTreeMap<String, Vec<(Thread, f64, f64)>>,
}

impl Trace {
    /// Begins.
    pub async fn start(browser: &Browser) -> Self {
        let (devtools, _) =
            within("DevTools", connect_async(browser.devtools_url())).await.expect("DevTools listens");
        let mut trace = Self { devtools };
        let config = json!({"includedCategories": CATEGORIES, "recordMode": "recordAsMuchAsPossible"});
        trace.send(1, "Tracing.start", json!({"traceConfig": config})).await;
        while trace.receive().await["id"] != 1 {}
        trace
    }

    /// Ends, and takes what there is.
    pub async fn stop(mut self) -> Traced {
        self.send(2, "Tracing.end", json!({})).await;
        let mut traced = Traced::default();
        let mut open = BTreeMap::new();
        loop {
            let message = self.receive().await;
            match message["method"].as_str() {
                Some("Tracing.dataCollected") => {
                    for event in message["params"]["value"].as_array().into_iter().flatten() {
                        traced.take(event, &mut open);
                    }
                }
                Some("Tracing.tracingComplete") => break,
                _ => assert!(message.get("error").is_none(), "{message}"),
            }
        }
        for tasks in traced.tasks.values_mut() {
            tasks.sort_by(|one, other| one.begin.total_cmp(&other.begin));
        }
        traced
    }

    async fn send(&mut self, id: u64, method: &str, parameters: Value) {
        let text = json!({"id": id, "method": method, "params": parameters}).to_string();
        within(method, self.devtools.send(Message::text(text))).await.expect("DevTools listens");
    }

    async fn receive(&mut self) -> Value {
        loop {
            let message = within("DevTools", self.devtools.next()).await.expect("DevTools answers");
            if let Message::Text(text) = message.expect("DevTools answers") {
                return serde_json::from_str(&text).expect("DevTools speaks JSON");
            }
        }
    }
}

impl Traced {
    /// `open`: what has begun, by thread and number.
    fn take(&mut self, event: &Value, open: &mut BTreeMap<(Thread, String), f64>) {
        let number = |name: &str| event[name].as_u64().unwrap_or_default();
        let thread = (number("pid"), number("tid"));
        let (Some(name), Some(at)) = (event["name"].as_str(), event["ts"].as_f64()) else { return };
        match event["ph"].as_str() {
            Some("X") if name.ends_with(TASK) => {
                if let (Some(time), Some(processor)) = (event["dur"].as_f64(), event["tdur"].as_f64()) {
                    // The two clocks do not keep step: one that is made up for is no work of this task.
                    let task = Task { begin: at, end: at + time, processor: processor.min(time) };
                    self.tasks.entry(thread).or_default().push(task);
                }
            }
            Some("b") => {
                open.insert((thread, name.to_owned()), at);
            }
            Some("e") => {
                if let Some(begin) = open.remove(&(thread, name.to_owned())) {
                    self.measures.entry(name.to_owned()).or_default().push((thread, begin, at));
                }
            }
            _ => {}
        }
    }

    /// The measures whose names begin so, with their names.
    pub fn names<'a>(&'a self, beginning: &'a str) -> impl Iterator<Item = &'a str> {
        self.measures.keys().map(String::as_str).filter(move |name| name.starts_with(beginning))
    }

    /// The processor time, in milliseconds, of the tasks in which the measures of these names lie, each task once.
    pub fn processor_ms(&self, names: &[&str]) -> f64 {
        let mut found: Vec<Task> = Vec::new();
        for (thread, begin, end) in names.iter().filter_map(|name| self.measures.get(*name)).flatten() {
            let tasks = self.tasks.get(thread).map(Vec::as_slice).unwrap_or_default();
            let first = tasks.partition_point(|task| task.end <= *begin);
            for task in tasks[first..].iter().take_while(|task| task.begin < *end) {
                // A task may run another one, whose time is in its own.
                if !found.iter().any(|known| known.begin <= task.begin && task.end <= known.end) {
                    found.push(*task);
                }
            }
        }
        found.iter().map(|task| task.processor).sum::<f64>() / 1e3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_told_from_waiting() {
        let browser = Browser::start().await;
        browser.open("data:text/html,<title>t</title>").await;
        let trace = Trace::start(&browser).await;
        let work = "const begun = performance.now();
            let n = 0;
            while (performance.now() - begun < 50) n += Math.sqrt(n);
            performance.measure('work 1', {start: begun, end: performance.now()});
            return n;";
        browser.run(work, json!([])).await;
        browser.run("performance.measure('idle', {start: 0, end: 1});", json!([])).await;
        let traced = trace.stop().await;
        assert_eq!(traced.names("work").collect::<Vec<_>>(), ["work 1"]);
        assert!(traced.processor_ms(&["work 1"]) > 0.0);
        assert_eq!(traced.processor_ms(&["idle"]), 0.0, "it lies before the trace");
        assert_eq!(traced.processor_ms(&["work 2"]), 0.0);
    }

    #[test]
    fn no_task_works_for_longer_than_it_lasts() {
        let mut traced = Traced::default();
        let mut open = BTreeMap::new();
        for event in [
            json!({"pid": 1, "tid": 2, "name": "X::RunTask", "ph": "X", "ts": 100, "dur": 50, "tdur": 5_030}),
            json!({"pid": 1, "tid": 2, "name": "a", "ph": "b", "ts": 105}),
            json!({"pid": 1, "tid": 2, "name": "a", "ph": "e", "ts": 120}),
        ] {
            traced.take(&event, &mut open);
        }
        assert_eq!(traced.processor_ms(&["a"]), 0.05);
    }

    #[test]
    fn a_task_counts_once() {
        let mut traced = Traced::default();
        let mut open = BTreeMap::new();
        for event in [
            json!({"pid": 1, "tid": 2, "name": "X::RunTask", "ph": "X", "ts": 100, "dur": 50, "tdur": 30}),
            json!({"pid": 1, "tid": 2, "name": "Y::RunTask", "ph": "X", "ts": 110, "dur": 10, "tdur": 9}),
            json!({"pid": 1, "tid": 3, "name": "X::RunTask", "ph": "X", "ts": 100, "dur": 50, "tdur": 7}),
            json!({"pid": 1, "tid": 2, "name": "a", "ph": "b", "ts": 105}),
            json!({"pid": 1, "tid": 2, "name": "a", "ph": "e", "ts": 120}),
            json!({"pid": 1, "tid": 2, "name": "b", "ph": "b", "ts": 112}),
            json!({"pid": 1, "tid": 2, "name": "b", "ph": "e", "ts": 140}),
        ] {
            traced.take(&event, &mut open);
        }
        assert_eq!(traced.processor_ms(&["a", "b"]), 0.03);
    }
}

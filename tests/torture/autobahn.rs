//! The Autobahn suite against an echo behind the gateway: the real accept path, handshake, reading and framing.
//!
//! `cargo xtask torture autobahn` installs the suite, builds the server with its feature `echo`, and says here where
//! they are.

use std::collections::BTreeMap;
use std::path::PathBuf;

use teahouse_tests::process::Process;
use teahouse_tests::wait::within;
use tempfile::TempDir;
use tokio::process::Command;

use crate::host::{Host, Spec};
use crate::run::{Run, Tally};

/// What the suite calls the server.
const AGENT: &str = "Teahouse";

/// Not for this server: messages beyond 64 KiB, and compression.
const EXCLUDED: &[&str] = &[
    "9.1.2", "9.1.3", "9.1.4", "9.1.5", "9.1.6", "9.2.2", "9.2.3", "9.2.4", "9.2.5", "9.2.6", "9.3.*",
    "9.4.*", "9.5.*", "9.6.*", "12.*", "13.*",
];

/// How many cases of each category are left.
const CASES: &[(&str, usize)] =
    &[("1", 16), ("2", 11), ("3", 7), ("4", 10), ("5", 20), ("6", 145), ("7", 37), ("9", 14), ("10", 1)];

/// What a case may come to. The suite itself calls a case non-strict that fails early, only not at the first moment.
const GOOD: &[&str] = &["OK", "NON-STRICT", "INFORMATIONAL"];

fn told(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable).map(PathBuf::from);
    path.unwrap_or_else(|| panic!("{variable} is not set; run this test with `cargo xtask torture autobahn`"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_of_the_autobahn_suite_passes() {
    let run = Run::begin("autobahn");
    let folder = TempDir::new().expect("a temporary folder");
    // Nobody says hello to an echo.
    let options = ["--handshake-timeout-ms", "3600000"].map(Into::into).into();
    let spec = Spec { options, ..Spec::default() };
    let mut host = Host::start(&folder.path().join("data"), spec).await;
    let reports = folder.path().join("reports");
    let wanted = serde_json::json!({
        "outdir": reports,
        "servers": [{ "agent": AGENT, "url": format!("ws://{}/ws", host.address()) }],
        "cases": ["*"],
        "exclude-cases": EXCLUDED,
        "exclude-agent-cases": {},
    });
    let file = folder.path().join("suite.json");
    std::fs::write(&file, wanted.to_string()).expect("the temporary folder is writable");
    let mut command = Command::new(told("TEAHOUSE_AUTOBAHN"));
    command.args(["--mode", "fuzzingclient", "--spec"]).arg(&file).env("PYTHONUNBUFFERED", "1");
    let mut suite = Process::spawn("the suite", &mut command);
    // As many lines as cases; a case that hangs is closed by the suite itself.
    let expected: usize = CASES.iter().map(|(_, count)| count).sum();
    for number in 1..=expected {
        suite.stdout.count(number, "case", |line| line.starts_with("Running test case")).await;
    }
    let finished = suite.finish().await;
    assert_eq!(finished.code, Some(0), "the suite ends well: {}", finished.stderr);
    within("the server to end", host.stop()).await;

    let index = std::fs::read_to_string(reports.join("index.json")).expect("the suite reports");
    let index: serde_json::Value = serde_json::from_str(&index).expect("the report is JSON");
    let cases = index[AGENT].as_object().expect("the report knows the server");
    let mut tally = Tally { cycles: 1, messages: cases.len() as u64, ..Tally::default() };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (case, result) in cases {
        *counts.entry(case.split('.').next().unwrap_or_default()).or_default() += 1;
        for what in ["behavior", "behaviorClose"] {
            if !result[what].as_str().is_some_and(|verdict| GOOD.contains(&verdict)) {
                tally.complain(format!("case {case}: {what} is {}", result[what]));
            }
        }
    }
    println!("cases by category: {counts:?}");
    if counts != CASES.iter().copied().collect() {
        tally.complain(format!("the suite ran {counts:?}, not {CASES:?}"));
    }
    run.finish(&tally);
}

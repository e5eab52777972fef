use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::child::{become_program, succeed};
use crate::project::Project;
use crate::screen::say;
use crate::steps::{Outcome, Steps};
use crate::tools::{self, Tools};
use crate::{peers, programs, web};

/// What `--only` calls the client in a browser.
const BROWSER: &str = "browser";

/// The example that measures it.
const BROWSER_LOAD: &str = "browser_load";

/// `cargo xtask bench`: brings the peers and what a browser needs, as far as they take part, builds, and becomes the bench.
pub(crate) fn bench(project: &Project, options: &[String]) -> Result<()> {
    let browser = Browser::wanted(options);
    let browser_steps = if browser == Browser::No { 0 } else { tools::STEPS + 3 };
    let peers_steps = if browser == Browser::Alone { 0 } else { peers::STEPS };
    let steps = Steps::new(peers_steps + browser_steps + 1);
    let peers = if browser == Browser::Alone { Vec::new() } else { peers::ensure_all(&steps)? };
    if browser != Browser::No {
        let tools = Tools::pinned(project)?;
        tools.ensure(&steps)?;
        steps.step("Chromium", || programs::ensure(&programs::BROWSER))?;
        // Before the server, which takes it in.
        steps.long_step("the browser client", |progress| web::build(project, &tools, progress))?;
    }
    steps.step("the server and the bench", || build(project, &["teahouse-server", "teahouse-bench"]))?;
    if browser != Browser::No {
        steps.step("what loads the browser", || {
            let example = ["build", "--release", "--package", "teahouse-tests", "--example", BROWSER_LOAD];
            succeed(&mut project.cargo(&example))?;
            Ok(Outcome::Done)
        })?;
    }
    say!("everything is there after {}; measuring …", steps.total_time());
    let mut command = Command::new(project.release("teahouse-bench"));
    command
        .args(options)
        .arg("--server")
        .arg(project.release("teahouse-server"))
        .envs(peers)
        // What the report says of how it was made.
        .env("TEAHOUSE_BENCH_COMMAND", said(options))
        .current_dir(&project.root);
    if browser != Browser::No {
        command
            .arg("--browser")
            .arg(project.release(&format!("examples/{BROWSER_LOAD}")))
            .env("TEAHOUSE_TEST_PROGRAMS", project.target.join("release"));
    }
    if !options.iter().any(|option| option == "--out" || option.starts_with("--out=")) {
        command.arg("--out").arg(folder(project, options));
    }
    become_program(&mut command)
}

/// Whether the client is measured in a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Browser {
    No,
    /// With other things.
    Too,
    /// With nothing else.
    Alone,
}

impl Browser {
    /// Whole runs measure it, and those that name it.
    fn wanted(options: &[String]) -> Self {
        let has = |names: &[&str]| {
            options.iter().any(|option| names.contains(&option.split('=').next().unwrap_or_default()))
        };
        if has(&["--help", "-h", "--version", "-V", "--list", "report"]) {
            return Self::No;
        }
        let only = values(options, "--only");
        match only.iter().filter(|name| **name == BROWSER).count() {
            0 if only.is_empty() && !has(&["--quick", "--peers"]) => Self::Too,
            0 => Self::No,
            named if named == only.len() => Self::Alone,
            _ => Self::Too,
        }
    }
}

/// The values of an option, given as `--name a,b` or `--name=a,b`.
fn values<'a>(options: &'a [String], name: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut words = options.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let list = match word.split_once('=') {
            Some((option, list)) if option == name => Some(list),
            _ if word == name => words.next(),
            _ => None,
        };
        found.extend(list.into_iter().flat_map(|list| list.split(',')));
    }
    found
}

/// Programs as they are measured.
pub(crate) fn build(project: &Project, packages: &[&str]) -> Result<Outcome> {
    let mut cargo = project.cargo(&["build", "--release", "--bins"]);
    for package in packages {
        cargo.args(["--package", package]);
    }
    succeed(&mut cargo)?;
    Ok(Outcome::Done)
}

/// Where the results go: those of a short run never over the recorded ones.
fn folder(project: &Project, options: &[String]) -> PathBuf {
    let partial = |option: &String| {
        ["--quick", "--only", "--peers"].iter().any(|name| option.split('=').next() == Some(name))
    };
    // The browser's are a file of their own.
    let whole_browser =
        Browser::wanted(options) == Browser::Alone && !options.iter().any(|option| option == "--quick");
    if options.iter().any(partial) && !whole_browser {
        project.target.join("bench-quick")
    } else {
        project.root.join("bench")
    }
}

fn said(options: &[String]) -> String {
    ["cargo xtask bench"].into_iter().chain(options.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_run_writes_over_the_recorded_results() {
        let project = Project { root: "/project".into(), target: "/target".into() };
        let folder = |options: &[&str]| {
            let options: Vec<String> = options.iter().map(ToString::to_string).collect();
            folder(&project, &options)
        };
        assert_eq!(folder(&[]), PathBuf::from("/project/bench"));
        assert_eq!(folder(&["--rounds", "5"]), PathBuf::from("/project/bench"));
        assert_eq!(folder(&["--quick"]), PathBuf::from("/target/bench-quick"));
        assert_eq!(folder(&["--only=room"]), PathBuf::from("/target/bench-quick"));
        assert_eq!(folder(&["--only", "browser"]), PathBuf::from("/project/bench"));
        assert_eq!(folder(&["--only", "browser", "--quick"]), PathBuf::from("/target/bench-quick"));
        assert_eq!(folder(&["--only", "browser,room"]), PathBuf::from("/target/bench-quick"));
    }

    #[test]
    fn whole_runs_and_those_that_name_it_measure_the_browser() {
        let wanted = |line: &str| {
            let options: Vec<String> = line.split_whitespace().map(Into::into).collect();
            Browser::wanted(&options)
        };
        assert_eq!(wanted(""), Browser::Too);
        assert_eq!(wanted("--rounds 5"), Browser::Too);
        for other in
            ["--quick", "--only room", "--only=room,idle", "--peers bun", "--list", "--help", "report x.json"]
        {
            assert_eq!(wanted(other), Browser::No, "{other}");
        }
        assert_eq!(wanted("--only browser"), Browser::Alone);
        assert_eq!(wanted("--quick --only=browser"), Browser::Alone);
        assert_eq!(wanted("--only room/1000,browser"), Browser::Too);
        assert_eq!(wanted("--only room --only browser"), Browser::Too);
    }
}

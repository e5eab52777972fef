use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::assemble::{self, assemble};
use crate::autobahn;
use crate::axe;
use crate::child::{succeed, succeed_in_tests};
use crate::programs;
use crate::project::{Profile, Project};
use crate::screen::answer;
use crate::steps::{Outcome, Steps};
use crate::tools::{self, Tools};
use crate::wasm_target::WASM_TARGET;
use crate::web;

/// One run of cargo.
#[derive(Debug, PartialEq, Eq)]
struct Run {
    name: &'static str,
    arguments: Vec<String>,
    /// Whether it needs a browser that the test itself starts.
    in_browser: bool,
}

/// `cargo xtask test`: every test there is.
pub(crate) fn test(project: &Project, filter: Option<&str>) -> Result<()> {
    let runs = plan(filter, has_browser_unit_tests(&project.root.join("web-client"))?);
    let tools = Tools::pinned(project)?;
    let whole = filter.is_none();
    let before = if whole { assemble::STEPS } else { tools::STEPS + 1 };
    let steps = Steps::new(before + 2 + runs.len());
    steps.step("Chromium, Python and nc for the stories", || programs::ensure(&programs::TESTS))?;
    steps.step("axe-core, which looks for barriers in pages", axe::ensure)?;
    if whole {
        // As the README's first command does it, which one of the stories goes on with.
        assemble(project, &steps, Profile::Quick)?;
    } else {
        tools.ensure(&steps)?;
        steps.long_step("the browser client", |progress| web::build(project, &tools, progress))?;
    }
    for run in &runs {
        steps.step(run.name, || {
            let arguments: Vec<&str> = run.arguments.iter().map(String::as_str).collect();
            let mut command = project.cargo(&arguments);
            command
                // One story runs the development server.
                .env("PATH", tools::with_path(&tools.folders().collect::<Vec<_>>())?)
                // Built by the step before, together with the tests: alone they would be built with other features of
                // their dependencies, and those once more.
                .env("TEAHOUSE_TEST_PROGRAMS", project.target.join("debug"))
                .env(axe::VARIABLE, axe::script()?);
            if run.in_browser {
                command
                    .env(
                        "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
                        tools.program("wasm-bindgen-test-runner")?,
                    )
                    .env("CHROMEDRIVER", programs::chromedriver().context("chromedriver went away")?);
            }
            succeed_in_tests(&mut command)?;
            Ok(Outcome::Done)
        })?;
    }
    answer!("all tests passed in {}", steps.total_time());
    Ok(())
}

/// The test that runs the conformance suite.
const CONFORMANCE: &str = "autobahn::every_case_of_the_autobahn_suite_passes";

/// `cargo xtask torture`: the long versions of the torture tests, one after the other, and the conformance suite.
pub(crate) fn torture(project: &Project, filter: Option<&str>) -> Result<()> {
    let conformance = filter.is_none_or(|filter| CONFORMANCE.contains(filter));
    // Whoever names the suite means nothing else.
    let others = filter.is_none_or(|filter| !["autobahn", CONFORMANCE].contains(&filter));
    let steps = Steps::new(if others { 3 } else { 0 } + if conformance { 3 } else { 0 });
    if others {
        steps.step("the programs that the torture uses", || programs::ensure(&programs::TESTS))?;
        let build = ["build", "--package", "teahouse-server", "--package", "teahouse", "--bins"];
        steps.step("the server and the terminal client", || done(&mut project.cargo(&build)))?;
        steps.step("the torture; results are added to torture-results.md in the target directory", || {
            let mut command = torture_tests(project, &["--test", "fuzz"], filter);
            done(command.env("TEAHOUSE_TEST_PROGRAMS", project.target.join("debug")))
        })?;
    }
    if conformance {
        steps.step("the Autobahn suite", autobahn::ensure)?;
        // A target directory of its own, so that nobody takes the echo for the server.
        let echo = project.target.join("echo");
        let build = ["build", "--package", "teahouse-server", "--features", "echo", "--bins"];
        steps.step("the server as an echo", || {
            done(project.cargo(&build).env("CARGO_TARGET_DIR", &echo).env_remove("CARGO_BUILD_TARGET_DIR"))
        })?;
        steps.step("the conformance of the WebSocket door", || {
            let mut command = torture_tests(project, &["--features", "autobahn"], Some(CONFORMANCE));
            command.env("TEAHOUSE_TEST_PROGRAMS", echo.join("debug"));
            done(command.env("TEAHOUSE_AUTOBAHN", autobahn::program()?))
        })?;
    }
    answer!("the torture is over after {}", steps.total_time());
    Ok(())
}

fn done(command: &mut Command) -> Result<Outcome> {
    succeed(command)?;
    Ok(Outcome::Done)
}

fn torture_tests(project: &Project, options: &[&str], filter: Option<&str>) -> Command {
    let test = ["test", "--package", "teahouse-tests", "--test", "torture"];
    let words: Vec<&str> = test.iter().chain(options).copied().chain(filter).collect();
    let mut command = project.cargo(&words);
    command.args(["--", "--nocapture", "--test-threads", "1"]).env("TEAHOUSE_TORTURE", "long");
    command
}

/// What to run, the quickest answers first. The filter chooses among the tests alone.
fn plan(filter: Option<&str>, browser_unit_tests: bool) -> Vec<Run> {
    let run = |name, arguments: &[&str], filter: Option<&str>, in_browser| Run {
        name,
        arguments: arguments.iter().copied().chain(filter).map(Into::into).collect(),
        in_browser,
    };
    let build = ["build", "--workspace", "--bins", "--tests"];
    let mut runs = vec![run("the programs and the tests", &build, None, false)];
    if browser_unit_tests {
        let test = ["test", "--package", "teahouse-web", "--target", WASM_TARGET];
        runs.push(run("tests of the browser client in a browser", &test, filter, true));
    }
    runs.push(run("tests of every crate, and the stories", &["test", "--workspace"], filter, false));
    runs
}

/// Whether the browser client has tests that only a browser can run.
fn has_browser_unit_tests(folder: &Path) -> Result<bool> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let found = if path.is_dir() {
            has_browser_unit_tests(&path)?
        } else {
            path.extension().is_some_and(|ending| ending == "rs")
                && fs::read_to_string(&path)?.contains("#[wasm_bindgen_test]")
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(runs: &[Run]) -> Vec<String> {
        runs.iter().map(|run| run.arguments.join(" ")).collect()
    }

    #[test]
    fn the_stories_come_last_and_a_filter_reaches_the_tests_alone() {
        assert_eq!(
            commands(&plan(None, true)),
            [
                "build --workspace --bins --tests",
                "test --package teahouse-web --target wasm32-unknown-unknown",
                "test --workspace",
            ]
        );
        let filtered = commands(&plan(Some("framing"), false));
        assert_eq!(filtered.len(), 2);
        assert!(!filtered[0].contains("framing") && filtered[1].ends_with(" framing"));
    }
}

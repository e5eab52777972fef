//! The project's own commands. `cargo xtask` alone lists them.

// They panic when nobody reads.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod apt;
mod assemble;
mod autobahn;
mod axe;
mod bench;
mod cache;
mod cargo_lock;
mod check;
mod child;
mod fingerprint;
mod install;
mod lanes;
mod mutants;
mod panics;
mod peers;
mod precompress;
mod profile;
mod programs;
mod project;
mod run;
mod screen;
mod simulate;
mod steps;
mod suite;
mod tools;
mod wasm_target;
mod web;

use std::process::ExitCode;

use crate::project::Project;
use crate::screen::{answer, say};

const COMMANDS: &str = "\
Teahouse's own commands:

  cargo xtask run [--] [OPTION…]  build everything and start the server; options go to the server (try -- --help)
  cargo xtask install [OPTION…]   put the server and the terminal client where a shell finds them: into DIR/bin, or to where
                                  `cargo install` puts programs; --debug skips optimising, --no-build takes the last build
  cargo xtask test [FILTER]       run every test, the ones in a real browser included
  cargo xtask torture [FILTER]    run the long versions of the torture tests (tests/TORTURE.md); takes hours
  cargo xtask simulate [SEEDS]    real clients and the real server in virtual time, 10000 seeds if not told; --seed N runs one
                                  again, --from N begins there
  cargo xtask mutants [N [PART]]  break the code in N places (100), one at a time, and list the breaks that no quick test notices;
                                  takes an hour; PART (0, 1, …) chooses other places
  cargo xtask bench [OPTION…]     measure the client in a browser, load the server, its peers and the floor in one run, and
                                  write bench/RESULTS.md; with --quick the servers alone in a few minutes, into bench-quick of
                                  the target directory; with --only browser the client alone (try --help)
  cargo xtask profile [CASE]      where the server's time goes in one case of the bench, under perf
  cargo xtask web                 build the browser client into dist/, where the server takes it from
  cargo xtask check               formatting and lints, native and wasm, without running anything
  cargo xtask tools               install the pinned trunk and wasm-bindgen and the wasm target
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        None => ("help", &[][..]),
        Some((command, rest)) => (command.as_str(), rest),
    };
    let result = match command {
        "run" => Project::find().and_then(|project| run::run(&project, program_options(rest))),
        "install" => match install::Options::read(rest) {
            Ok(options) => Project::find().and_then(|project| install::install(&project, &options)),
            Err(problem) => return usage(&format!("`cargo xtask install` {problem}")),
        },
        "test" => match filter(rest) {
            Ok(filter) => Project::find().and_then(|project| suite::test(&project, filter)),
            Err(problem) => return usage(&format!("`cargo xtask test` {problem}")),
        },
        "torture" => match filter(rest) {
            Ok(filter) => Project::find().and_then(|project| suite::torture(&project, filter)),
            Err(problem) => return usage(&format!("`cargo xtask torture` {problem}")),
        },
        "mutants" => match mutants::Sample::read(rest) {
            Ok(sample) => Project::find().and_then(|project| mutants::mutants(&project, sample)),
            Err(problem) => return usage(&format!("`cargo xtask mutants` {problem}")),
        },
        "simulate" => Project::find().and_then(|project| simulate::simulate(&project, program_options(rest))),
        "bench" => Project::find().and_then(|project| bench::bench(&project, program_options(rest))),
        "profile" => match filter(rest) {
            Ok(case) => Project::find().and_then(|project| profile::profile(&project, case)),
            Err(_) => return usage("`cargo xtask profile` takes at most one case of the bench"),
        },
        "web" if rest.is_empty() => Project::find().and_then(|project| web::command(&project)),
        "check" if rest.is_empty() => Project::find().and_then(|project| check::check(&project)),
        "tools" if rest.is_empty() => Project::find().and_then(|project| tools::command(&project)),
        "web" | "check" | "tools" => return usage(&format!("`cargo xtask {command}` takes no options")),
        "help" | "--help" | "-h" => {
            answer!("{}", COMMANDS.trim_end());
            return ExitCode::SUCCESS;
        }
        _ => return usage(&format!("there is no command `{command}`")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn usage(problem: &str) -> ExitCode {
    say!("error: {problem}\n\n{}", COMMANDS.trim_end());
    ExitCode::from(2)
}

/// The one word that may follow a command that runs tests.
fn filter(rest: &[String]) -> Result<Option<&str>, &'static str> {
    match rest {
        [] => Ok(None),
        [filter] if !filter.starts_with('-') => Ok(Some(filter)),
        _ => Err("takes at most one filter, a part of the tests' names"),
    }
}

/// What the program gets: everything after the command, without the `--` that may come first.
fn program_options(rest: &[String]) -> &[String] {
    match rest.split_first() {
        Some((first, rest)) if first == "--" => rest,
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_dashes_are_ours_and_later_ones_the_programs() {
        let options = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            program_options(&words).join(" ")
        };
        assert_eq!(options(&[]), "");
        assert_eq!(options(&["--", "--help"]), "--help");
        assert_eq!(options(&["--listen", "127.0.0.1:0"]), "--listen 127.0.0.1:0");
        assert_eq!(options(&["--", "--data", "x", "--"]), "--data x --");
    }
}

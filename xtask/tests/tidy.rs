//! The house rules, on every file that git knows.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file that grows beyond this is two nouns.
const SOURCE_LINES_MAX: usize = 600;

/// Names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] = &["common", "helper", "helpers", "misc", "util", "utils"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

fn output(command: &mut Command) -> String {
    let output = command.current_dir(root()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The tracked files with one of these endings that are still there.
fn files(endings: &[&str]) -> Vec<PathBuf> {
    output(Command::new("git").args(["ls-files", "-z"]))
        .split('\0')
        .filter(|name| !name.is_empty())
        .map(PathBuf::from)
        .filter(|path| path.extension().is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted)))
        .filter(|path| root().join(path).is_file())
        .collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn assert_none(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn source_files_are_short() {
    let long = |path: &PathBuf| {
        let lines = read(path).lines().count();
        (lines > SOURCE_LINES_MAX).then(|| format!("{}: {lines} lines", path.display()))
    };
    let broken: Vec<String> =
        files(&["rs", "css", "js", "html", "py", "sh"]).iter().filter_map(long).collect();
    assert_none("a source file has at most 600 lines", &broken);
}

#[test]
fn files_are_named_after_what_is_in_them() {
    let empty = |path: &PathBuf| {
        let says_nothing = |part: &std::ffi::OsStr| {
            let stem = Path::new(part).file_stem().unwrap_or(part);
            EMPTY_NAMES.iter().any(|name| stem == *name)
        };
        path.iter().any(says_nothing).then(|| path.display().to_string())
    };
    let broken: Vec<String> =
        files(&["rs", "css", "js", "html", "py", "sh"]).iter().filter_map(empty).collect();
    assert_none("files and folders are nouns of the domain", &broken);
}

/// Words that no Rust source has, and those that no test has. Taken apart, so that this file keeps its own rules.
const NOWHERE: &[&str] = &[concat!("#[ign", "ore"), concat!("tod", "o!("), concat!("unimple", "mented!(")];
const NOT_IN_TESTS: &[&str] = &[concat!("sle", "ep("), concat!("sle", "ep_until(")];

/// Whether a file has nothing but tests in it.
fn is_test(path: &Path) -> bool {
    path.iter().any(|part| part == "tests") || path.file_stem().is_some_and(|stem| stem == "tests")
}

/// The places of a word that does not merely end another one.
fn places<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word).map(|(at, _)| at).filter(|at| {
        let before = text[..*at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[test]
fn tests_do_not_sleep_and_nothing_is_left_out() {
    let mut broken = Vec::new();
    for path in files(&["rs"]) {
        let text = read(&path);
        let tests_begin = if is_test(&path) { Some(0) } else { text.find("#[cfg(test)]\nmod tests {") };
        let mut note = |at: usize, word: &str| {
            let line = text[..at].matches('\n').count() + 1;
            broken.push(format!("{}:{line}: {word}", path.display()));
        };
        for word in NOWHERE {
            places(&text, word).for_each(|at| note(at, word));
        }
        for word in NOT_IN_TESTS {
            places(&text, word)
                .filter(|at| tests_begin.is_some_and(|begin| *at >= begin))
                .for_each(|at| note(at, word));
        }
    }
    assert_none("tests wait for the thing itself, and nothing is ignored or left for later", &broken);
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let lacks = |path: &PathBuf| {
        let text = read(path);
        let is_crate = text.lines().any(|line| line == "[package]");
        let mut rest = text.lines().skip_while(|line| *line != "[lints]").skip(1);
        let takes = rest.next().is_some_and(|line| line == "workspace = true");
        (is_crate && !takes).then(|| path.display().to_string())
    };
    let manifests: Vec<PathBuf> = files(&["toml"])
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|name| name == "Cargo.toml"))
        .collect();
    assert!(manifests.len() > 5, "{manifests:?}");
    let broken: Vec<String> = manifests.iter().filter_map(lacks).collect();
    assert_none("every crate has `[lints] workspace = true`", &broken);
}

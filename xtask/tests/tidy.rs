//! The house rules, on every file that git knows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file that grows beyond this is two nouns.
const SOURCE_LINES_MAX: usize = 600;

/// Names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] = &["common", "helper", "helpers", "misc", "util", "utils"];

/// What dependencies may be licensed under.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Zlib",
];

/// Packages that are taken all the same, each with its licence and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    // Leptos brings it (through server_fn). The Boost licence asks no more than MIT does.
    ("xxhash-rust", "BSL-1.0"),
];

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

#[test]
fn dependencies_have_licences_that_go_with_ours() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let metadata = output(Command::new(cargo).args(["metadata", "--format-version", "1", "--all-features"]));
    let metadata: serde_json::Value = serde_json::from_str(&metadata).expect("cargo metadata is JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let licences: BTreeMap<String, &str> = packages
        .iter()
        .filter(|package| !package["source"].is_null())
        .map(|package| {
            let text = |key: &str| package[key].as_str().unwrap_or_default();
            (text("name"), text("version"), text("license"))
        })
        .filter(|(name, _, licence)| !EXCEPTIONS.contains(&(*name, *licence)))
        .map(|(name, version, licence)| (format!("{name} {version}"), licence))
        .collect();
    assert!(!licences.is_empty());
    let broken: Vec<String> = licences
        .iter()
        .filter(|(_, licence)| !is_allowed(licence))
        .map(|(package, licence)| format!("{package}: {licence:?}"))
        .collect();
    assert_none("every dependency has a licence of the list", &broken);
}

/// Whether an SPDX expression can be satisfied with licences of the list.
fn is_allowed(expression: &str) -> bool {
    // Old manifests write a slash for OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let allowed = any_of(&mut words);
    allowed && words.next().is_none() && !expression.trim().is_empty()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any_of(words: &mut Words<'_>) -> bool {
    let mut allowed = all_of(words);
    while words.next_if_eq(&"OR").is_some() {
        allowed |= all_of(words);
    }
    allowed
}

fn all_of(words: &mut Words<'_>) -> bool {
    let mut allowed = one(words);
    while words.next_if_eq(&"AND").is_some() {
        allowed &= one(words);
    }
    allowed
}

fn one(words: &mut Words<'_>) -> bool {
    match words.next() {
        Some("(") => {
            let allowed = any_of(words);
            words.next_if_eq(&")").is_some() && allowed
        }
        Some(licence) => match words.next_if_eq(&"WITH").and_then(|_| words.next()) {
            Some(exception) => LICENCES.contains(&&*format!("{licence} WITH {exception}")),
            None => LICENCES.contains(&licence),
        },
        None => false,
    }
}

#[test]
fn licence_expressions_are_understood() {
    for (expression, allowed) in [
        ("MIT", true),
        ("MIT OR GPL-3.0", true),
        ("GPL-3.0", false),
        ("MIT/Apache-2.0", true),
        ("MIT AND GPL-3.0", false),
        ("(MIT OR GPL-3.0) AND Unicode-3.0", true),
        ("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true),
        ("GPL-2.0 WITH Classpath-exception-2.0", false),
        ("Unlicense", false),
        ("Unlicense OR MIT", true),
        ("(MIT", false),
        ("MIT)", false),
        ("", false),
    ] {
        assert_eq!(is_allowed(expression), allowed, "{expression:?}");
    }
}

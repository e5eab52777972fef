//! Which module of the server may use which.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each module of the server and those that it uses, which all stand above it: so there are no circles. ARCHITECTURE.md
/// has the same table. Tests may look at anything; `main` and `admin` are the program, which puts everything together.
const USES: &[(&str, &[&str])] = &[
    ("abort", &[]),
    ("clock", &[]),
    ("encoded", &[]),
    ("origins", &[]),
    ("proxies", &[]),
    ("seat", &[]),
    ("standard_error", &[]),
    ("state", &[]),
    ("door", &[]),
    ("log", &["encoded", "state"]),
    ("pace", &["state"]),
    ("turns", &["pace"]),
    ("lanes", &["turns"]),
    ("notices", &["state"]),
    ("absences", &["state"]),
    ("admission", &["pace"]),
    ("fanout", &["abort", "door", "log", "state"]),
    ("directory", &["absences", "clock", "fanout", "notices", "pace", "seat", "state"]),
    ("crier", &["abort", "directory", "fanout", "notices", "state"]),
    ("order", &["abort", "clock", "directory", "fanout", "log", "pace", "seat", "state", "turns"]),
    ("wire_errors", &["log", "order", "state"]),
    (
        "house",
        &[
            "clock",
            "directory",
            "fanout",
            "lanes",
            "log",
            "order",
            "origins",
            "pace",
            "proxies",
            "seat",
            "state",
            "turns",
        ],
    ),
    (
        "connection",
        &[
            "directory",
            "door",
            "encoded",
            "fanout",
            "house",
            "log",
            "order",
            "pace",
            "seat",
            "state",
            "turns",
            "wire_errors",
        ],
    ),
    ("http", &["admission", "connection", "door", "house", "origins", "pace", "proxies"]),
    ("accept", &["admission", "connection", "door", "house", "http", "pace", "proxies"]),
    ("config", &["accept", "admission", "house", "origins", "pace", "proxies"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// The sources of the server, each with the module of the crate that it is part of.
fn sources() -> Vec<(String, PathBuf)> {
    let src = root().join("server/src");
    let mut folders = vec![src.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the server") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let within = path.strip_prefix(&src).expect("found in there");
                let first = within.components().next().expect("it has a name");
                let module = Path::new(&first).file_stem().expect("it has a name");
                sources.push((module.to_string_lossy().into_owned(), path));
            }
        }
    }
    sources.retain(|(module, path)| {
        !["lib", "main", "admin"].contains(&&**module)
            && path.iter().all(|part| part != "tests" && part != "tests.rs")
    });
    sources
}

/// What a file says besides comments and tests.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let tests = text.find("#[cfg(test)]\n").unwrap_or(text.len());
    let lines = text[..tests].lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The words that follow `prefix`.
fn after<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(prefix).map(move |(at, _)| {
        let rest = &text[at + prefix.len()..];
        &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())]
    })
}

/// What each module uses.
fn found() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (module, path) in sources() {
        let code = code(&path);
        let within = path.strip_prefix(root().join("server/src")).expect("found in there");
        let depth = within.components().count() - usize::from(path.ends_with("mod.rs"));
        let hidden = code.contains("crate::{") || code.contains(&"super::".repeat(depth));
        assert!(!hidden, "{}: modules of the crate are named one by one, as crate::NAME", path.display());
        let uses = found.entry(module.clone()).or_default();
        uses.extend(after(&code, "crate::").filter(|used| **used != *module).map(ToOwned::to_owned));
    }
    for uses in found.values_mut() {
        uses.sort();
        uses.dedup();
    }
    found
}

/// The rows of ARCHITECTURE.md's table.
fn written() -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("it is there");
    let table = text.split("| module | uses |\n|---|---|\n").nth(1).expect("there is the table");
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect::<Vec<_>>();
    table
        .lines()
        .map_while(|row| row.strip_prefix("| "))
        .map(|row| {
            let (module, uses) = row.split_once('|').expect("two cells");
            (names(module).concat(), names(uses))
        })
        .collect()
}

#[test]
fn modules_of_the_server_use_only_what_the_table_says() {
    let table: BTreeMap<String, Vec<String>> = USES
        .iter()
        .map(|(module, uses)| ((*module).into(), uses.iter().map(|used| (*used).into()).collect()))
        .collect();
    let mut wrong = Vec::new();
    let found = found();
    for (module, uses) in &found {
        match table.get(module) {
            Some(listed) if listed == uses => {}
            Some(listed) => wrong.push(format!("{module} uses {uses:?}, and the table says {listed:?}")),
            None => wrong.push(format!("{module} is not in the table")),
        }
    }
    wrong.extend(
        table.keys().filter(|module| !found.contains_key(*module)).map(|module| format!("no {module}")),
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What differs by framing is asked of it.
#[test]
fn nothing_beyond_a_door_tells_framings_apart() {
    let tells = |(module, path): &(String, PathBuf)| {
        (module != "door" && after(&code(path), "Framing::").any(|name| name != "DERIVED"))
            .then(|| path.display().to_string())
    };
    let broken: Vec<String> = sources().iter().filter_map(tells).collect();
    assert!(broken.is_empty(), "{broken:?}");
}

#[test]
fn there_are_no_circles() {
    for (place, (module, uses)) in USES.iter().enumerate() {
        let below = uses.iter().find(|used| !USES[..place].iter().any(|(above, _)| above == *used));
        assert_eq!(below, None, "{module} uses what does not stand above it");
    }
}

#[test]
fn the_architecture_has_the_same_table() {
    let table: Vec<(String, Vec<String>)> = USES
        .iter()
        .map(|(module, uses)| ((*module).into(), uses.iter().map(|used| (*used).into()).collect()))
        .collect();
    assert_eq!(written(), table);
}

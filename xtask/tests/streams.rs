//! Commands whose output nobody reads to its end, or that cannot do what they were told.

use std::process::{Command, ExitStatus, Output, Stdio};

fn xtask(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(words).stdin(Stdio::null());
    command
}

/// Runs it with both outputs into a pipe whose reader is gone.
fn unread(command: &mut Command) -> ExitStatus {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    command.stdout(writer.try_clone().expect("a pipe")).stderr(writer).status().expect("it starts")
}

#[test]
fn nobody_reads_and_the_exit_code_is_the_same() {
    assert_eq!(unread(&mut xtask(&[])).code(), Some(0));
    assert_eq!(unread(&mut xtask(&["--help"])).code(), Some(0));
    assert_eq!(unread(&mut xtask(&["dance"])).code(), Some(2));
    assert_eq!(unread(&mut xtask(&["install", "--rooot"])).code(), Some(2));
    // With a step that begins and fails.
    assert_eq!(unread(&mut xtask(&["install", "--no-build", "--root", "/dev/null"])).code(), Some(1));
}

fn refused(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

#[test]
fn without_the_internet_the_tools_say_what_they_need() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut tools = xtask(&["tools"]);
    // An empty cache, and no package that was downloaded before.
    tools.env("XDG_CACHE_HOME", folder.path().join("cache")).env("CARGO_HOME", folder.path().join("cargo"));
    tools.env("CARGO_NET_OFFLINE", "true");
    // Both fail, each in its lane.
    let said = refused(&tools.output().expect("it starts"));
    assert!(
        said.contains("cannot install trunk") && said.contains("cannot install wasm-bindgen-cli"),
        "{said}"
    );
    assert!(said.contains("needs the internet this once"), "{said}");
    let left: Vec<_> =
        std::fs::read_dir(folder.path().join("cache/teahouse/tools")).expect("a cache").collect();
    let half = left.iter().flatten().find(|entry| entry.file_name().to_string_lossy().ends_with(".14"));
    assert!(half.is_none(), "nothing has a tool's name: {half:?}");
}

//! The programs of this workspace: those in the folder that `TEAHOUSE_TEST_PROGRAMS` names, or built once per run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The program `teahouse-server`.
pub fn server() -> &'static Path {
    &built().server
}

/// The program `teahouse`.
pub fn terminal() -> &'static Path {
    &built().terminal
}

/// The folder that both lie in.
pub fn folder() -> &'static Path {
    server().parent().expect("a program lies in a folder")
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests lies in the workspace")
}

/// Fails where the browser client has not been built, since then the server has none inside.
pub fn assert_browser_client() {
    assert!(
        repository().join("dist/index.html").is_file(),
        "this story needs the browser client: run `cargo xtask web` first, or everything with `cargo xtask test`"
    );
}

/// Compiles what `trunk serve` will compile, since the first time takes longer than any wait of a story.
pub fn build_browser_client_for_development() {
    let arguments =
        ["--package", "teahouse-web", "--bin", "teahouse-web", "--target", "wasm32-unknown-unknown"];
    let status = cargo().arg("build").args(arguments).status().expect("cargo starts");
    assert!(status.success(), "cargo build of the browser client failed: {status}");
}

/// Compiles what `cargo xtask run` will start, and `cargo xtask` itself, for the same reason.
pub fn build_as_for_a_first_run() {
    let programs = ["--profile", "quick", "--package", "teahouse-server", "--package", "teahouse", "--bins"];
    for arguments in [&programs[..], &["--package", "xtask"]] {
        let status = cargo().arg("build").args(arguments).status().expect("cargo starts");
        assert!(status.success(), "cargo build {} failed: {status}", arguments.join(" "));
    }
}

struct Programs {
    server: PathBuf,
    terminal: PathBuf,
}

fn built() -> &'static Programs {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    PROGRAMS.get_or_init(programs)
}

fn programs() -> Programs {
    match std::env::var_os("TEAHOUSE_TEST_PROGRAMS") {
        Some(folder) => {
            let program =
                |name: &str| Path::new(&folder).join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            Programs { server: program("teahouse-server"), terminal: program("teahouse") }
        }
        None => build(),
    }
}

/// Builds with the profile and into the target directory of this test binary, so that nothing is built twice.
fn build() -> Programs {
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test.ancestors().nth(2).expect("TARGET/PROFILE/deps/stories-…");
    let target = profile.parent().expect("TARGET/PROFILE/deps/stories-…");
    let mut command = cargo();
    command
        .args(["build", "--package", "teahouse-server", "--package", "teahouse", "--bins"])
        .args(["--message-format", "json-render-diagnostics", "--target-dir"])
        .arg(target);
    if profile.ends_with("release") {
        command.arg("--release");
    }
    let output = command.output().expect("cargo starts");
    assert!(output.status.success(), "cargo build of the programs failed: {}", output.status);
    let messages = String::from_utf8(output.stdout).expect("cargo speaks UTF-8");
    Programs { server: executable(&messages, "teahouse-server"), terminal: executable(&messages, "teahouse") }
}

fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let mut command = Command::new(cargo);
    command.current_dir(repository()).stdin(Stdio::null()).stderr(Stdio::inherit());
    command
}

/// Where cargo says it put a program.
fn executable(messages: &str, name: &str) -> PathBuf {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .unwrap_or_else(|| panic!("cargo built no program `{name}`"))
}

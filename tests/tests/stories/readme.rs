//! What README.md promises: each of its command lines runs here as it is written.

use std::path::{Path, PathBuf};

use serde_json::Value;
use teahouse_tests::process::{Finished, Process};
use teahouse_tests::programs::{
    self, assert_browser_client, build_as_for_a_first_run, build_browser_client_for_development, repository,
};
use teahouse_tests::python::{on_port, python};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;
use tempfile::TempDir;
use tokio::process::Command;

/// The programs whose name begins a command line, as opposed to a word in the text.
const PROGRAMS: &[&str] = &["cargo", "nc", "teahouse", "teahouse-server", "trunk"];

fn readme() -> String {
    std::fs::read_to_string(repository().join("README.md")).expect("there is a README.md")
}

/// The blocks of a document that are fenced with this language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    document
        .split(&format!("```{language}\n"))
        .skip(1)
        .filter_map(|rest| rest.split_once("\n```").map(|(block, _)| format!("{block}\n")))
        .collect()
}

/// What a reader would type, each line once: shell blocks without their comments, and lines between backquotes.
fn command_lines(document: &str) -> Vec<String> {
    let shell = blocks(document, "sh");
    let typed =
        shell.iter().flat_map(|block| block.lines()).map(|line| line.split(" #").next().unwrap_or(line));
    let mut fenced = false;
    let text = document.lines().filter(|line| {
        let fence = line.starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    let quoted = text.flat_map(|line| line.split('`').skip(1).step_by(2));
    let mut lines: Vec<String> = Vec::new();
    for line in typed.chain(quoted).map(str::trim) {
        let begins = line.split_once(' ').is_some_and(|(program, _)| PROGRAMS.contains(&program));
        if begins && !lines.iter().any(|known| known == line) {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// Somebody who follows the README: a home, a folder to work in, and what `cargo xtask install` put into PATH.
struct Reader {
    folder: TempDir,
}

impl Reader {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        std::fs::create_dir(folder.path().join("work")).expect("a temporary folder can be written");
        Self { folder }
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    /// A line in a shell. `more` is what is not written but must be said here.
    fn types(&self, line: &str, more: &str, settings: &[(&str, &str)]) -> Process {
        let mut command = Command::new("sh");
        // The shell makes way for the program, so that signals reach it.
        command.arg("-c").arg(format!("exec {line}{more}"));
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("TEAHOUSE_") || name == "RUST_LOG" {
                command.env_remove(&*name);
            }
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.path("root/bin")).chain(std::env::split_paths(&path));
        command
            .env("PATH", std::env::join_paths(folders).expect("folders"))
            .env("NO_COLOR", "1")
            .envs(settings.iter().copied());
        if line.starts_with("cargo ") {
            command.current_dir(repository());
        } else {
            command.current_dir(self.path("work")).env("HOME", self.path("home"));
            for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"] {
                command.env(name, self.path(name));
            }
        }
        Process::spawn(line, &mut command)
    }

    /// A line that ends by itself and well.
    async fn does(&self, line: &str, more: &str, settings: &[(&str, &str)]) -> Finished {
        let finished = self.types(line, more, settings).finish().await;
        assert_eq!(finished.code, Some(0), "{line}: {}", finished.stderr);
        finished
    }
}

/// The texts of posts among lines of JSON.
fn posts(lines: &[String]) -> Vec<String> {
    lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .filter(|event| event["kind"] == "post")
        .map(|event| event["text"].as_str().expect("a post has a text").to_owned())
        .collect()
}

#[tokio::test]
async fn every_command_line_of_the_readme_works_as_written() {
    assert_browser_client();
    // All that cargo has to build for any story, so that no wait of this one is a wait for a compiler.
    let debug = !programs::folder().ends_with("release");
    build_browser_client_for_development();
    build_as_for_a_first_run();
    let reader = Reader::new();
    let data = reader.path("data").display().to_string();
    let root = reader.path("root").display().to_string();
    let lines = command_lines(&readme());
    let starting_with = |words: &str| {
        let found: Vec<&String> = lines.iter().filter(|line| line.starts_with(words)).collect();
        assert!(!found.is_empty(), "README.md shows `{words}`");
        found
    };

    // Elsewhere than at the port and the data of whoever runs this. All is there already, and so the cable may be unplugged.
    let elsewhere =
        [("TEAHOUSE_LISTEN", "127.0.0.1:0"), ("TEAHOUSE_DATA", &*data), ("CARGO_NET_OFFLINE", "true")];
    let mut server = reader.types("cargo xtask run", "", &elsewhere);
    let listening = server.stdout.line("its address", |line| line.starts_with("listening on ")).await;
    let address = &listening["listening on ".len()..];
    let port = address.rsplit(':').next().expect("a port");
    let settings = [("TEAHOUSE_SERVER", address), ("TEAHOUSE_DATA", &*data)];

    // It says how to come in from a terminal, whether or not anything is installed.
    let way =
        server.stderr.line("the way in", |line| line.starts_with("to chat in another terminal: ")).await;
    let way = way.split_once(": ").and_then(|(_, line)| line.split_once(" chat")).expect("a line to type").0;
    reader.does(way, " --version", &settings).await;

    // What the tests have built is installed; to build the release would take minutes and show no more.
    let as_built = if debug { " --debug --no-build" } else { " --no-build" };
    let installed = reader.does("cargo xtask install", as_built, &[("CARGO_INSTALL_ROOT", &*root)]).await;
    assert!(installed.stdout.contains(&*root), "{}", installed.stdout);
    assert!(!installed.stderr.contains("PATH"), "its folder is in PATH: {}", installed.stderr);

    let tail = reader.types(starting_with("teahouse tail ")[0], "", &settings);
    tail.stdout.line("the room", |line| line.starts_with('{')).await;
    let mut said = 0;
    for line in &lines {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["cargo", "xtask", "run" | "install"] => {}
            ["teahouse", "tail", ..] => assert!(line.ends_with(" --json"), "{line}"),
            // This one is running, and the others run for many minutes.
            ["cargo", "xtask", command @ ("test" | "bench" | "profile")] => {
                let known = reader.does("cargo xtask", "", &[]).await.stdout;
                assert!(known.contains(&format!("\n  cargo xtask {command} ")), "{known}");
            }
            ["cargo", "xtask", "tools"] => {
                let printed = reader.does(line, "", &[]).await.stdout;
                assert!(printed.lines().count() > 0 && printed.lines().all(|line| Path::new(line).is_dir()));
            }
            ["cargo", "xtask", "run", "--", "--help"] => {
                let help = reader.does(line, "", &[]).await.stdout;
                assert!(help.contains("--listen"), "{help}");
            }
            ["teahouse", "send", ..] | ["teahouse", "chat", ..] | ["nc", ..] => {
                let typed = format!("第 {said} 句\n");
                // Without a name the default port is written, and no other.
                let line = line.replace(" 2023", &format!(" {port}"));
                let mut process = reader.types(&line, "", &settings);
                if !line.starts_with("teahouse send") {
                    process.write(&typed).await;
                }
                said += 1;
                let heard = tail.stdout.count(said, "post", |line| line.contains("\"kind\":\"post\"")).await;
                let text = posts(&heard).pop().expect("the last one");
                assert!(line.contains(&text) || text == typed.trim(), "{line} said {text}");
                if line.starts_with("teahouse") {
                    process.close_input();
                    assert_eq!(process.finish().await.code, Some(0), "{line}");
                }
            }
            ["teahouse-server", "backup" | "verify" | "restore" | "export", ..] => {
                reader.does(line, "", &settings).await;
            }
            // The story `development` does.
            ["trunk", "serve"] => {}
            _ => panic!("no story runs `{line}`, which README.md shows"),
        }
    }
    assert!(said >= 4, "README.md shows how to send from the programs and nc, in two languages");
    starting_with("teahouse-server backup ");
    server.terminate();
    assert_eq!(server.finish().await.code, Some(0));
}

#[test]
fn commands_are_told_from_words() {
    let document = "type `nc host 1` or `nc`, not `run`\n```sh\ncargo xtask run   # builds\n```\n\
                    ```python\ncargo = 'nc x'\n```\nand `teahouse send x`, `nc host 1`\n";
    assert_eq!(command_lines(document), ["cargo xtask run", "nc host 1", "teahouse send x"]);
}

#[tokio::test]
async fn the_python_in_the_readme_chats() {
    let scripts = blocks(&readme(), "python");
    assert!(!scripts.is_empty(), "README.md shows a client in Python");
    for script in scripts {
        let server = Server::start().await;
        let mut witness = tcp::enter(&server, "witness").await;
        let mut process = python(&on_port(&script, server.address().port()));
        // Some scripts say something by themselves, some say what is typed.
        process.write("你好\n").await;
        let (by, text) = witness.post_event("lobby").await;
        assert_ne!(by, "witness");
        assert!(!text.is_empty());
        witness.post("lobby", "欢迎光临").await;
        process.stdout.until("the answer", |printed| printed.contains("欢迎光临").then_some(())).await;
    }
}

//! Standard streams go away, are full and are read by nobody: both programs live and say so, or end quietly.

use std::path::{Path, PathBuf};

use teahouse_tests::process::{Finished, Process};
use teahouse_tests::received::Received;
use teahouse_tests::server::{self, Server, redirected};
use teahouse_tests::tcp;
use teahouse_tests::terminal::Home;
use tempfile::TempDir;
use tokio::process::Command;

/// How many guests come and go, each with some lines in a log that tells everything: more than a pipe holds.
const GUESTS: usize = 200;
/// How many connections come and go, each with lines in such a log: more than a pipe and the server hold together.
const CALLS: usize = 2_500;

/// A named pipe, and how a shell redirects to it.
struct Pipe {
    _folder: TempDir,
    path: PathBuf,
}

impl Pipe {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo starts");
        assert!(made.success());
        Self { _folder: folder, path }
    }

    /// Nobody reads it any more.
    fn gone(&self, stream: u8) -> String {
        let path = self.path.display();
        format!("3<>{path} {stream}>{path} 3>&-")
    }

    /// It has a reader that never reads.
    fn unread(&self, stream: u8) -> String {
        let path = self.path.display();
        format!("3<>{path} {stream}>{path}")
    }
}

async fn finished(command: &Command, redirections: &str) -> Finished {
    let mut process = Process::spawn("a program", &mut redirected(command, redirections));
    process.close_input();
    process.finish().await
}

/// Guests come, are served, and go; then it stops as it should.
async fn serves(mut server: Server, how: &str) {
    for number in 0..GUESTS {
        let mut guest = tcp::enter(&server, &format!("guest{number}")).await;
        guest.post("lobby", how).await;
    }
    assert_eq!(server.stop().await.code, Some(0), "{how}");
}

#[tokio::test]
async fn the_server_lives_whatever_becomes_of_its_log() {
    let pipe = Pipe::new();
    let everything = ["--log", "trace", "--unlimited"];
    for log in ["2>/dev/full", "2>&-", "<&- 2>&-", &pipe.gone(2), &pipe.unread(2)] {
        serves(Server::with_streams(log, &everything).await, log).await;
    }
}

#[tokio::test]
async fn lines_that_nobody_took_are_counted() {
    let pipe = Pipe::new();
    let server = Server::with_streams(&pipe.unread(2), &["--log", "trace", "--unlimited"]).await;
    for _ in 0..CALLS {
        let mut caller = tcp::connect(&server).await;
        let error = caller.ask("ping", serde_json::json!({})).await;
        assert_eq!(error["code"], "hello_first", "{error}");
    }
    let reader = tokio::fs::File::open(&pipe.path).await.expect("a pipe");
    let log = Received::from_reader("the log", reader);
    // With the next line that is said the number comes.
    tcp::enter(&server, "later").await;
    log.line("the number of lines that were lost", |line| {
        line.contains("WARN") && line.ends_with("lines of this log could not be written")
    })
    .await;
    log.line("what is said after that", |line| line.contains("is later")).await;
}

#[tokio::test]
async fn the_server_starts_where_nobody_reads_its_addresses() {
    let pipe = Pipe::new();
    for redirection in ["1>/dev/full", &pipe.gone(1)] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = server::command(&folder.path().join("data"));
        command.args(["--listen", "127.0.0.1:0"]);
        let mut process = Process::spawn("server", &mut redirected(&command, redirection));
        let said = process
            .stderr
            .line("its addresses in the log", |line| line.contains("listening on 127.0.0.1:"))
            .await;
        assert!(said.contains("standard output cannot be written"), "{said}");
        let address = said.split("listening on ").nth(1).and_then(|rest| rest.split(',').next());
        let address: std::net::SocketAddr = address.expect("an address").parse().expect("an address");
        tokio::net::TcpStream::connect(address).await.expect("it listens");
        process.terminate();
        assert_eq!(process.exit().await.code(), Some(0));
    }
}

/// Data in which somebody has chatted, of a server that has stopped.
async fn used_data() -> (Server, PathBuf) {
    let mut server = Server::start().await;
    let mut ana = tcp::enter(&server, "ana").await;
    for number in 0..200 {
        ana.post("lobby", &format!("{number} {}", "长".repeat(1_000))).await;
    }
    server.stop().await;
    let data = server.data();
    (server, data)
}

/// What the server's program does besides serving, each time with a place of its own for what it makes.
fn tasks(data: &Path, place: &Path) -> Vec<Command> {
    let task = |words: &[&str]| {
        let mut command = server::command(data);
        command.args(words);
        command
    };
    let backup = place.join("backup").to_string_lossy().into_owned();
    vec![
        task(&["--help"]),
        task(&["--version"]),
        task(&["verify"]),
        task(&["export", "--room", "lobby"]),
        task(&["backup", &backup]),
    ]
}

#[tokio::test]
async fn tasks_end_quietly_without_a_reader_and_loudly_on_a_full_disk() {
    let (_server, data) = used_data().await;
    let pipe = Pipe::new();
    for (redirection, quiet) in [(pipe.gone(1), true), ("1>/dev/full".into(), false), ("1>&-".into(), true)] {
        let place = tempfile::tempdir().expect("a temporary folder");
        for command in tasks(&data, place.path()) {
            let finished = finished(&command, &redirection).await;
            let what = format!("{:?} {redirection}: {finished:?}", command.as_std().get_args());
            if quiet {
                assert_eq!(finished.code, Some(0), "{what}");
                assert!(!finished.stderr.contains("cannot"), "{what}");
            } else {
                assert!(matches!(finished.code, Some(1..=4)), "{what}");
                assert!(finished.stderr.contains("standard output cannot be written"), "{what}");
                assert_eq!(finished.stderr.trim().lines().count(), 1, "{what}");
            }
        }
        assert!(place.path().join("backup").is_file(), "what was asked for is done");
    }
}

#[tokio::test]
async fn the_terminal_client_does_the_same() {
    let server = Server::start().await;
    let mut ana = tcp::enter(&server, "ana").await;
    for number in 0..20 {
        ana.post("lobby", &number.to_string()).await;
    }
    let (home, pipe) = (Home::new(), Pipe::new());
    let address = server.address().to_string();
    let printing: [&[&str]; 4] = [
        &["--help"],
        &["tail", "--version"],
        &["tail", &address, "--no-follow"],
        &["tail", &address, "--no-follow", "--json"],
    ];
    for arguments in printing {
        let command = home.command(arguments);
        let gone = finished(&command, &pipe.gone(1)).await;
        assert_eq!((gone.code, gone.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        let full = finished(&command, "1>/dev/full").await;
        assert_eq!(full.code, Some(4), "{arguments:?}: {full:?}");
        assert!(full.stderr.contains("standard output cannot be written"), "{arguments:?}: {full:?}");
        let closed = finished(&command, "0<&- 1>&- 2>&-").await;
        assert_eq!(closed.code, Some(0), "{arguments:?}");
    }
    // What it says on standard error changes nothing of how it ends.
    for redirection in [pipe.gone(2), "2>/dev/full".into(), "2>&-".into(), "0<&- 1>&- 2>&-".into()] {
        let ends = async |arguments: &[&str]| finished(&home.command(arguments), &redirection).await.code;
        assert_eq!(ends(&["send", "--room", "a b", "x"]).await, Some(2), "{redirection}");
        assert_eq!(
            ends(&["send", "--server", &address, "--room", "nowhere", "x"]).await,
            Some(1),
            "{redirection}"
        );
        assert_eq!(
            ends(&["send", "--server", "127.0.0.1:1", "--timeout", "1", "x"]).await,
            Some(3),
            "{redirection}"
        );
        assert_eq!(ends(&["send", "--server", &address, "done"]).await, Some(0), "{redirection}");
    }
}

#[tokio::test]
async fn what_was_piped_into_a_chat_is_posted_though_nobody_reads_it() {
    let server = Server::start().await;
    let mut ana = tcp::enter(&server, "ana").await;
    let (home, pipe) = (Home::new(), Pipe::new());
    let address = server.address().to_string();
    let command = home.command(&["chat", &address, "--name", "bo"]);
    let mut chat = Process::spawn("chat", &mut redirected(&command, &pipe.gone(1)));
    for number in 0..300 {
        chat.write(&format!("line {number}\n")).await;
    }
    chat.close_input();
    for number in 0..300 {
        assert_eq!(ana.post_event("lobby").await, ("bo".to_owned(), format!("line {number}")));
    }
    let finished = chat.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
}

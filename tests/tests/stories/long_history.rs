//! Pages of history are as long as a server may send them, and the terminal client reads them all.

use serde_json::Value;
use teahouse_tests::process::{Finished, Process};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;
use teahouse_tests::terminal::Home;

/// Both ways in: JSON Lines, and WebSocket.
fn ways_in(server: &Server) -> [String; 2] {
    let address = server.address();
    [address.to_string(), format!("ws://{address}/ws")]
}

async fn tailed(home: &Home, address: &str, last: usize) -> Finished {
    let last = last.to_string();
    let mut tail = home.run(&["tail", "--server", address, "--json", "--no-follow", "--last", last.as_str()]);
    tail.finish().await
}

fn texts(finished: &Finished) -> Vec<String> {
    let event = |line: &str| {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error} in {} bytes", line.len()))
    };
    finished.stdout.lines().map(event).filter_map(|event| event["text"].as_str().map(Into::into)).collect()
}

/// A chat that has nothing to say, for as long as it takes to show these words.
async fn shown(mut chat: Process, words: &str) {
    chat.stdout.line("the last words", |line| line.ends_with(words)).await;
    chat.close_input();
    let finished = chat.finish().await;
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn long_messages_are_read_in_one_page() {
    let server = Server::start().await;
    let mut ana = tcp::enter(&server, "ana").await;
    let mut written = Vec::new();
    for number in 0..10 {
        let text = format!("{number}{}", "长".repeat(3_000));
        ana.post("lobby", &text).await;
        written.push(text);
    }
    let home = Home::new();
    for (address, name) in ways_in(&server).into_iter().zip(["bo", "che"]) {
        let finished = tailed(&home, &address, 14).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert!(texts(&finished) == written, "{address}: all ten, as they were written");
        assert_eq!(finished.stderr, "", "and nothing to complain of");
        let chat = home.run(&["chat", &address, "--name", name]);
        shown(chat, &written[9]).await;
    }
}

#[tokio::test]
async fn the_longest_messages_that_there_can_be_are_read() {
    let server = Server::with(&["--unlimited"]).await;
    let mut ana = tcp::enter(&server, "ana").await;
    // Each character is six bytes of JSON.
    let text = |number: usize| format!("{number:03}{}", "\u{1}".repeat(7_997));
    for number in 0..200 {
        ana.post("lobby", &text(number)).await;
    }
    let home = Home::new();
    for address in ways_in(&server) {
        let finished = tailed(&home, &address, 200).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        let expected: Vec<String> = (0..200).map(text).collect();
        assert!(texts(&finished) == expected, "{address}: all, in order, each once");
    }
    let chat = home.run(&["chat", &server.address().to_string(), "--name", "bo"]);
    chat.stdout.line("the last words", |line| line.contains(": 199")).await;
}

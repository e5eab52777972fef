//! A Chinese message of 2,000 characters, through every door and seen in every door.

use serde_json::json;
use teahouse_tests::page::Page;
use teahouse_tests::python::python;
use teahouse_tests::server::Server;
use teahouse_tests::terminal::Home;
use teahouse_tests::text::{Text, nc, post_in_line};
use teahouse_tests::{tcp, ws};

/// 2,000 characters, different for each author and from one character to the next.
fn essay(author: &str) -> String {
    let words = "茶馆里的人来人往，一壶龙井从清晨喝到黄昏。".chars().cycle();
    author.chars().chain("：".chars()).chain(words).take(2_000).collect()
}

#[tokio::test]
async fn two_thousand_characters_pass_every_door() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let mut socket = ws::enter(&server, "socket").await;
    let page = Page::enter(&server, "ana").await;
    let home = Home::new();
    let address = server.address().to_string();
    let terminal = home.run(&["chat", &address, "--name", "chen", "--room", "lobby"]);
    let mut cat = nc(&server);
    cat.write("/name dou\n").await;
    for name in ["ana", "chen", "dou"] {
        witness.push(&format!("{name} joining"), |push| push["kind"] == "join" && push["by"] == name).await;
    }

    let mut expected = Vec::new();
    let mut note = |text: String| {
        expected.push(text.clone());
        text
    };
    witness.post("lobby", &note(essay("witness"))).await;
    socket.post("lobby", &note(essay("socket"))).await;
    page.say(&note(essay("ana"))).await;
    page.message(&essay("ana")).await;
    cat.write(&format!("{}\n", note(essay("dou")))).await;
    witness.push("nc's essay", |push| push["text"] == essay("dou")).await;
    let mut send =
        home.run(&["send", "--server", &address, "--name", "fan", "--room", "lobby", &note(essay("fan"))]);
    let finished = send.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    // The tutorial's way: no line ending, and the connection closes at once.
    let script = format!(
        "import socket\n\
         Client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)\n\
         Client.connect(('127.0.0.1', {}))\n\
         Client.sendall('{}'.encode())\n\
         Client.recv(4096)",
        server.address().port(),
        note(essay("小蛇"))
    );
    let finished = python(&script).finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    // In small pieces, so that characters are cut in the middle.
    let mut pieces = Text::connect(&server).await;
    for piece in format!("{}\n", note(essay("gao"))).as_bytes().chunks(1_000) {
        pieces.send(piece).await;
    }
    witness.push("the essay in pieces", |push| push["text"] == essay("gao")).await;

    let texts: Vec<String> = witness.posts("lobby").await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, expected, "history");
    for text in &texts {
        assert_eq!(text.chars().count(), 2_000);
        assert_eq!(&socket.post_event("lobby").await.1, text, "WebSocket");
    }
    page.message(&essay("gao")).await;
    let shown: Vec<String> = page.messages().await.into_iter().map(|message| message.text).collect();
    assert_eq!(shown, expected, "the browser");
    for (process, name) in [(&cat, "nc"), (&terminal, "the terminal client")] {
        process.stdout.line("the last essay", |line| line.contains("gao：")).await;
        let lines = process.stdout.lines();
        let read: Vec<String> =
            lines.iter().filter_map(|line| post_in_line(line)).map(|(_, text)| text).collect();
        assert_eq!(read, expected, "{name}");
    }
    let reply = witness.ask("post", json!({"room": "lobby", "text": "茶".repeat(8_000)})).await;
    assert_eq!(reply["type"], "ack", "the longest text there may be");
}

//! What the first bytes of a connection are, and what becomes of those that were meant for another protocol.

use serde_json::json;
use teahouse_tests::client::Client;
use teahouse_tests::server::Server;
use teahouse_tests::text::Text;
use teahouse_tests::{tcp, ws};

const BYTE_ORDER_MARK: &str = "\u{FEFF}";
const HELLO: &str = r#"{"id":1,"type":"hello","protocol":1,"auth":{"type":"guest"}}"#;

/// Nobody came and nothing was said, by the witness's own count.
async fn assert_nothing_happened(witness: &mut Client) {
    let history = witness.whole_history("lobby").await;
    let said: Vec<_> = history.iter().filter(|event| event["kind"] != "create").collect();
    assert!(said.iter().all(|event| event["by"] == "witness"), "{said:?}");
}

#[tokio::test]
async fn white_space_and_a_byte_order_mark_may_come_before_an_object() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    for before in ["\n", "\r\n\r\n", " \t", BYTE_ORDER_MARK, "\u{FEFF}\r\n ", " \n\u{FEFF}"] {
        for size in [1, 2, before.len()] {
            let mut client = tcp::connect(&server).await;
            for part in before.as_bytes().chunks(size) {
                client.tcp().send_bytes(part).await.expect("the server reads");
                // So that the server has read this part by itself.
                witness.must("ping", json!({})).await;
            }
            client.send_text(HELLO).await;
            let welcome = client.receive().await.expect("an answer");
            assert_eq!(welcome["type"], "welcome", "{before:?}: {welcome}");
        }
    }
    // A program that waits before its first object is nobody who wants to be greeted, unless it has ended a line.
    for before in [" ", BYTE_ORDER_MARK] {
        let mut client = Text::connect(&server).await;
        client.send(before).await;
        let mut other = Text::connect(&server).await;
        other.send("\n").await;
        other.received.line("the greeting of somebody who came later", |line| line.contains("/help")).await;
        assert_eq!(client.received.text(), "");
        client.send(format!("{HELLO}\n")).await;
        client.received.line("a welcome", |line| line.contains("welcome")).await;
    }
    let mut witness = tcp::connect(&server).await;
    witness.hello("later").await;
    assert!(witness.posts("lobby").await.is_empty());
}

#[tokio::test]
async fn an_empty_line_alone_is_greeted_and_an_object_behind_it_is_never_posted() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let mut person = Text::connect(&server).await;
    person.send("\n").await;
    person.received.line("a greeting", |line| line.contains("/help")).await;
    person.send(format!("{HELLO}\n")).await;
    let said = person.received.end().await;
    assert!(said.contains("nothing was posted"), "{said}");
    assert!(witness.posts("lobby").await.is_empty());
}

/// Openings as their programs send them, with secrets in them.
const OPENINGS: &[&[u8]] = &[
    b"get / HTTP/1.1\r\nHost: x\r\nCookie: secret=1\r\n\r\n",
    b"Get /secret HTTP/1.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET /secret\r\n",
    b"PROXY TCP4 203.0.113.9 10.0.0.1 4711 2023\r\n{\"id\":1,\"type\":\"ping\"}\n",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x09\x0a\0\0\x01\x12\x67\x07\xe7hi\n",
    b"SSH-2.0-OpenSSH_9.2p1\r\n",
    b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0",
    b"\0\0\0\x85\xffSMB\x72\0\0\0\0",
    b"\0\0\0\x08\x04\xd2\x16\x2f",
    b"*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n",
    b"\x10\x0a\0\x04MQTT\x04\x02\0\x3c\0\0",
    b"\x04\x01\0\x50\x0a\0\0\x01user\0",
    b"\x05\x01\0",
    b"CAP LS 302\r\nPASS secret\r\nNICK ana\r\nUSER ana 0 * :Ana\r\n",
    b"PASS secret\r\nNICK ana\r\n",
    b"EHLO mail.example.org\r\n",
    b"<?xml version='1.0'?>\n<stream:stream to='x'>\n",
    b"[{\"id\":1,\"type\":\"hello\",\"auth\":{\"token\":\"secret\"}}]\n",
    b"\"token\": \"secret\"\n",
    b"\0\x1d\xab\xcd\x01\0\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01",
    b"\0\x01\0\0\x21\x12\xa4\x42",
];

/// Methods that are nobody's begin as words may, and so does a word before a byte that is no text.
const FROM_WORDS: &[&[u8]] = &[b"PROPFIND /secret HTTP/1.1\r\nHost: x\r\n\r\n", b"a\0b\n"];

#[tokio::test]
async fn what_is_meant_for_another_protocol_gets_one_line_and_is_never_posted() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    for opening in OPENINGS.iter().chain(FROM_WORDS) {
        let mut peer = Text::connect(&server).await;
        // The server may close before it has read everything.
        let _ = peer.try_send(opening).await;
        let said = peer.received.end().await;
        let body = said.split_once("\r\n\r\n").map_or(&*said, |(_, body)| body);
        assert_eq!(body.lines().count(), 1, "{}: {said:?}", opening.escape_ascii());
        assert!(body.contains("nothing was posted") && body.contains("没有发出去"), "{said}");
    }
    assert_nothing_happened(&mut witness).await;
}

#[tokio::test]
async fn no_part_of_it_is_posted_either() {
    // A pause makes a line of words; nothing here is one.
    let server = Server::with(&["--handshake-timeout-ms", "600"]).await;
    let mut witness = tcp::enter(&server, "witness").await;
    for opening in OPENINGS {
        let step = opening.len().div_ceil(12);
        for end in (1..opening.len()).step_by(step) {
            let mut cut_off = Text::connect(&server).await;
            let _ = cut_off.try_send(&opening[..end]).await;
            cut_off.finish().await;
            cut_off.received.end().await;
        }
        // All of these wait at the same time, until the server has waited long enough.
        let mut paused = Vec::new();
        for end in (1..opening.len()).step_by(step) {
            let mut peer = Text::connect(&server).await;
            let _ = peer.try_send(&opening[..end]).await;
            paused.push(peer);
        }
        for peer in paused {
            // A blank line is somebody who waits to be greeted.
            if opening.starts_with(b"\r\n") {
                continue;
            }
            peer.received.end().await;
        }
    }
    assert!(witness.posts("lobby").await.is_empty());
}

#[tokio::test]
async fn words_that_look_like_a_protocol_are_posted() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    for words in [
        "GET well soon",
        "USER friendly",
        "PASS me the tea",
        "HELO?",
        "[1] a footnote",
        "I love HTTP/2",
        "SSH is nice",
        "\"so they said\"",
        "大家好",
    ] {
        for ending in ["\n", "\r\n", "\r"] {
            let mut person = Text::connect(&server).await;
            person.send(format!("{words}{ending}")).await;
            assert_eq!(witness.post_event("lobby").await.1, words);
        }
    }
    let mut person = Text::connect(&server).await;
    person.send(format!("{BYTE_ORDER_MARK}你好\n")).await;
    assert_eq!(witness.post_event("lobby").await.1, "你好");
}

#[tokio::test]
async fn what_programs_say_later_is_not_posted_either() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let mut person = Text::connect(&server).await;
    person.send("hi\n").await;
    assert_eq!(witness.post_event("lobby").await.1, "hi");
    for line in [
        r#"{"id":1,"type":"hello","protocol":1,"auth":{"type":"token","token":"secret"}}"#,
        r#"  {"id":1,"type":"hello","auth":{"type":"token","token":"secret""#,
        "PASS secret",
        "binary\0line",
    ] {
        person.send(format!("{line}\n")).await;
    }
    person.received.count(4, "refusals", |line| line.starts_with("! ")).await;
    person.send("{ is a brace, and {\"type\":\"module\"} is JSON of somebody else's\n").await;
    assert!(witness.post_event("lobby").await.1.starts_with("{ is a brace"));
}

#[tokio::test]
async fn pinned_doors_refuse_what_is_not_theirs_too() {
    let server = Server::with(&["--listen", "text=127.0.0.1:0", "--listen", "json=127.0.0.1:0"]).await;
    let mut witness = tcp::enter(&server, "witness").await;
    let ports: Vec<String> = server
        .printed()
        .lines()
        .filter_map(|line| line.strip_prefix("listening on ").map(str::to_owned))
        .collect();
    let [_, text, pinned_json] = &ports[..] else { panic!("three listeners: {ports:?}") };
    for line in
        ["get / HTTP/1.1\r\nCookie: secret\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", HELLO, "PASS secret\r\n"]
    {
        let stream = tokio::net::TcpStream::connect(text).await.expect("the server accepts");
        let mut peer = Text::over(stream);
        peer.received.line("a greeting at once", |line| line.contains("/help")).await;
        peer.send(format!("{line}\n")).await;
        let said = peer.received.end().await;
        assert!(said.contains("nothing was posted"), "{line}: {said}");
    }
    let stream = tokio::net::TcpStream::connect(pinned_json).await.expect("the server accepts");
    let mut peer = Text::over(stream);
    peer.send(format!("{BYTE_ORDER_MARK}\n{HELLO}\n")).await;
    peer.received.line("a welcome", |line| line.contains("welcome")).await;
    assert!(witness.posts("lobby").await.is_empty());
    ws::connect(&server).await.hello("still").await;
}

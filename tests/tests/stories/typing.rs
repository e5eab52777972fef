//! Words as they are typed: by real telnet, letter by letter, and by a beginner's `send`.

use serde_json::json;
use teahouse_tests::python::{on_port, python};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;
use teahouse_tests::text::Text;

#[tokio::test]
async fn real_telnet_is_not_deaf_after_ctrl_c() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    // With a terminal, as it has one with a person.
    let script = "import pty; pty.spawn(['telnet', '127.0.0.1', '2023'])";
    let mut telnet = python(&on_port(script, server.address().port()));
    telnet.stdout.until("the connection", |text| text.contains("Escape character").then_some(())).await;
    telnet.write("你好\n").await;
    assert_eq!(witness.post_event("lobby").await.1, "你好");
    telnet.write("never sent\x03").await;
    telnet.write("after\n").await;
    assert_eq!(witness.post_event("lobby").await.1, "after");
    witness.must("post", json!({"room": "lobby", "text": "听得见吗"})).await;
    telnet.stdout.until("what others say", |text| text.contains("听得见吗").then_some(())).await;
}

#[tokio::test]
async fn the_commands_of_telnet_are_answered_and_taken_out() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    // What PuTTY says first.
    let mut putty = Text::connect(&server).await;
    putty
        .send(
            b"\xff\xfb\x1f\xff\xfb\x20\xff\xfb\x18\xff\xfb\x27\xff\xfd\x01\xff\xfb\x03\xff\xfd\x03"
                .as_slice(),
        )
        .await;
    putty.received.until("seven refusals", |text| (text.chars().count() >= 21).then_some(())).await;
    assert!(!putty.received.text().contains("UTF-8"));
    putty.send(b"\xe4\xff\xf1\xbd\xa0\r\0".as_slice()).await;
    assert_eq!(witness.post_event("lobby").await.1, "你");
    putty.received.line("a greeting", |line| line.contains("/help")).await;
    putty.send(b"half\xff\xf4\xff\xfd\x06whole\r\n".as_slice()).await;
    assert_eq!(witness.post_event("lobby").await.1, "whole");

    // An ÿ of Latin-1 is no command.
    let mut latin = Text::connect(&server).await;
    latin.send(b"a\xffb\n".as_slice()).await;
    latin.received.line("a word about it", |line| line.contains("not UTF-8")).await;
    assert!(latin.received.lines()[0].contains("欢迎"), "the greeting comes first");
    // Urgent data stays in its place, and so does what came behind it before anything was read.
    let script = "
import socket
c = socket.create_connection(('127.0.0.1', 2023))
c.sendall(b'one\\r\\n\\xff\\xf4\\xff')
c.send(b'\\xf2', socket.MSG_OOB)
c.sendall(b'\\xff\\xfd\\x06two\\r\\n')
print('sent')
seen = b''
while b'two' not in seen: seen += c.recv(4096)
print(b'\\xff\\xfb\\x06' in seen)
";
    server.pause();
    let mut python = python(&on_port(script, server.address().port()));
    python.stdout.line("that all is sent", |line| line == "sent").await;
    server.go_on();
    let finished = python.finish().await;
    assert_eq!((&*finished.stdout, &*finished.stderr), ("sent\nTrue\n", ""));
    assert_eq!(witness.post_event("lobby").await.1, "one");
    assert_eq!(witness.post_event("lobby").await.1, "two");
}

#[tokio::test]
async fn every_line_ending_ends_a_line() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let mut person = Text::connect(&server).await;
    person.send("一\n二\r\n三\r四\r\0五\r").await;
    for words in ["一", "二", "三", "四", "五"] {
        assert_eq!(witness.post_event("lobby").await.1, words);
    }
}

#[tokio::test]
async fn whoever_ends_lines_is_not_hurried() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let mut person = Text::connect(&server).await;
    person.send("hi\n").await;
    assert_eq!(witness.post_event("lobby").await.1, "hi");
    let mut beginner = Text::connect(&server).await;
    for letter in ["h", "e", "l", "l", "o"] {
        person.send(letter).await;
        // Somebody else's pause, which began later, is over: so would this one be.
        beginner.send("好").await;
        assert_eq!(witness.post_event("lobby").await.1, "好");
    }
    person.send("\n").await;
    assert_eq!(witness.post_event("lobby").await.1, "hello");
}

#[tokio::test]
async fn a_character_waits_for_its_rest() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let mut person = Text::connect(&server).await;
    person.send(&"大家".as_bytes()[..5]).await;
    let mut beginner = Text::connect(&server).await;
    beginner.send("我先").await;
    assert_eq!(witness.post_event("lobby").await.1, "我先");
    assert_eq!(person.received.text(), "");
    person.send(&"家好".as_bytes()[2..]).await;
    assert_eq!(witness.post_event("lobby").await.1, "大家好");
}

#[tokio::test]
async fn answers_come_in_the_order_of_the_lines() {
    let server = Server::start().await;
    let mut person = Text::connect(&server).await;
    person.send("/dance\n/who\n/sing\n/rooms\n/help\n/quit\n").await;
    let said = person.received.end().await;
    let places: Vec<_> =
        ["欢迎", "— lobby —", "no such command", "  茶客1\n", "* lobby", "/history [", "再见"]
            .iter()
            .map(|words| said.find(words))
            .collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?} in {said}");
    assert!(said.rfind("no such command") > said.find("  茶客1\n"), "{said}");
}

#[tokio::test]
async fn who_is_refused_a_room_stays_in_the_old_one() {
    // The lobby is one change, and there is no second.
    let server = Server::with(&["--changes-per-minute", "1"]).await;
    let mut witness = tcp::enter(&server, "witness").await;
    let mut person = Text::connect(&server).await;
    person.send("/join 品茶\n").await;
    person.received.line("a refusal", |line| line.contains("太快了")).await;
    person.send("还在\n").await;
    assert_eq!(witness.post_event("lobby").await.1, "还在");
    person.received.line("their own words", |line| line.ends_with(": 还在")).await;
    assert_eq!(person.received.lines().iter().filter(|line| line.starts_with("! ")).count(), 1);
}

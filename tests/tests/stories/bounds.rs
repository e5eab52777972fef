//! What one peer may do and hold, and what happens beyond it.

use serde_json::json;
use teahouse_tests::server::Server;
use teahouse_tests::tcp;
use teahouse_tests::text::Text;
use teahouse_tests::wait::within;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpSocket;

#[tokio::test]
async fn rooms_are_made_at_a_pace_and_what_is_there_already_costs_nothing() {
    let server = Server::with(&["--rooms-per-hour", "12"]).await;
    let mut ana = tcp::connect(&server).await;
    ana.hello("ana").await;
    for room in ["one", "two"] {
        ana.must("join", json!({"room": room, "create": true})).await;
    }
    let refused = ana.ask("join", json!({"room": "three", "create": true})).await;
    assert_eq!(refused["code"], "rate_limited", "{refused}");
    assert_eq!(refused["temporary"], true, "{refused}");
    assert!(refused["retry_after_ms"].as_u64().is_some_and(|wait| wait > 1_000), "{refused}");
    assert!(refused["message"].as_str().is_some_and(|words| words.contains("new rooms")), "{refused}");
    // What is there may be joined all the same, and joined again.
    ana.must("join", json!({"room": "lobby"})).await;
    ana.must("join", json!({"room": "one", "create": true})).await;
    // Another user makes rooms of its own.
    let mut bo = tcp::connect(&server).await;
    bo.hello("bo").await;
    bo.must("join", json!({"room": "three", "create": true})).await;
}

#[tokio::test]
async fn an_address_says_hello_at_a_pace_by_token_too() {
    // Fifty at once.
    let server = Server::with(&["--address-hellos-per-second", "1"]).await;
    let mut ana = tcp::connect(&server).await;
    let auth = json!({"type": "guest", "name": "ana", "keep": true});
    let welcome = ana.must("hello", json!({"protocol": 1, "auth": auth})).await;
    let mut refused = None;
    for _ in 0..60 {
        let mut again = tcp::connect(&server).await;
        let auth = json!({"type": "token", "token": welcome["token"]});
        let reply = again.ask("hello", json!({"protocol": 1, "auth": auth})).await;
        if reply["type"] == "error" {
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("one of sixty is too many");
    assert_eq!(refused["code"], "rate_limited", "{refused}");
    ana.must("ping", json!({})).await;
}

#[tokio::test]
async fn texts_are_paced_by_their_bytes() {
    // Ten KiB at once.
    let server = Server::with(&["--post-kib-per-second", "1"]).await;
    let mut ana = tcp::enter(&server, "ana").await;
    ana.must("post", json!({"room": "lobby", "text": "x".repeat(8_000)})).await;
    let refused = ana.ask("post", json!({"room": "lobby", "text": "x".repeat(8_000)})).await;
    assert_eq!(refused["code"], "rate_limited", "{refused}");
    let short = ana.ask("post", json!({"room": "lobby", "text": "x"})).await;
    assert_eq!(short["code"], "rate_limited", "nothing overtakes it: {short}");
}

#[tokio::test]
async fn who_does_not_fit_in_is_told_so_in_its_language() {
    let server = Server::with(&["--connections-max", "2"]).await;
    let mut ana = tcp::enter(&server, "ana").await;
    let bo = tcp::enter(&server, "bo").await;
    for (first, told) in [
        ("{\"id\":1", "\"code\":\"limit_reached\""),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 503"),
        ("大家好\n", "坐满了"),
    ] {
        let mut third = Text::connect(&server).await;
        third.send(first).await;
        let said = third.received.end().await;
        assert!(said.contains(told) && said.contains("2 connections"), "{first}: {said}");
    }
    drop(bo);
    ana.push("bo leaving", |push| push["kind"] == "leave" || push["type"] == "presence").await;
    tcp::connect(&server).await.hello("che").await;
}

#[tokio::test]
async fn a_peer_that_takes_nothing_is_let_go_and_others_go_on() {
    let server = Server::with(&["--stalled-timeout-ms", "500", "--unlimited"]).await;
    let mut ana = tcp::enter(&server, "ana").await;
    let mut poster = tcp::enter(&server, "poster").await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4 * 1024).expect("the kernel takes it");
    let mut stalled = within("a connection", socket.connect(server.address())).await.expect("it accepts");
    let requests = "{\"id\":1,\"type\":\"hello\",\"protocol\":1,\"auth\":{\"type\":\"guest\",\"name\":\"stalled\",\
        \"keep\":true}}\n{\"id\":2,\"type\":\"join\",\"room\":\"lobby\"}\n{\"id\":3,\"type\":\"watch\",\"room\":\
        \"lobby\"}\n";
    stalled.write_all(requests.as_bytes()).await.expect("the server reads");
    ana.push("its joining", |push| push["kind"] == "join" && push["by"] == "stalled").await;
    let posting = async {
        loop {
            poster.post("lobby", &"茶".repeat(8_000)).await;
        }
    };
    let going = ana.push("its going", |push| push["name"] == "stalled" && push["online"] == false);
    tokio::select! {
        () = posting => {}
        _ = going => {}
    }
    ana.must("ping", json!({})).await;
}

#[tokio::test]
async fn an_answer_beyond_the_pace_waits_and_none_is_lost() {
    // 128 KiB at once.
    let server = Server::with(&["--answer-kib-per-second", "8"]).await;
    let mut ana = tcp::enter(&server, "ana").await;
    let mut bo = tcp::enter(&server, "bo").await;
    for _ in 0..3 {
        ana.post("lobby", &"x".repeat(8_000)).await;
    }
    // More than that, asked for at once.
    let mut asked = Vec::new();
    for _ in 0..6 {
        asked.push(ana.send("history", json!({"room": "lobby"})).await);
    }
    asked.push(ana.send("ping", json!({})).await);
    // Nobody else waits for it.
    bo.must("ping", json!({})).await;
    for id in asked {
        assert_ne!(ana.reply(id).await["type"], "error");
    }
}

#[tokio::test]
async fn an_address_gets_pages_at_a_pace() {
    // Sixteen KiB at once.
    let server = Server::with(&["--address-answer-kib-per-second", "1"]).await;
    let mut refused = None;
    for _ in 0..200 {
        let mut page = Text::connect(&server).await;
        page.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        let said = page.received.end().await;
        if said.starts_with("HTTP/1.1 429 ") {
            refused = Some(said);
            break;
        }
    }
    let refused = refused.expect("an address gets pages without end");
    assert!(refused.to_lowercase().contains("retry-after:"), "{refused}");
}

//! Requests at the wrong time, and names, rooms and texts that break a rule.

use serde_json::{Value, json};
use teahouse_tests::server::Server;
use teahouse_tests::{tcp, ws};

fn assert_rule(reply: &Value, code: &str, field: Option<&str>, rule: &str) {
    assert_eq!(reply["type"], "error", "{reply}");
    assert_eq!(reply["code"], code, "{reply}");
    assert_eq!(reply.get("field").and_then(Value::as_str), field, "{reply}");
    let words = reply["message"].as_str().unwrap_or_default();
    assert!(words.contains(rule), "the message says {rule:?}: {reply}");
}

#[tokio::test]
async fn a_command_before_hello_is_told_to_wait() {
    let server = Server::start().await;
    for mut client in [tcp::connect(&server).await, ws::connect(&server).await] {
        for (kind, fields) in [
            ("post", json!({"room": "lobby", "text": "x"})),
            ("join", json!({"room": "lobby"})),
            ("watch", json!({"room": "lobby"})),
            ("history", json!({"room": "lobby"})),
            ("who", json!({"room": "lobby"})),
            ("rooms", json!({})),
        ] {
            assert_rule(&client.ask(kind, fields).await, "hello_first", None, "hello");
        }
    }
    let mut client = tcp::connect(&server).await;
    client.ask("rooms", json!({})).await;
    client.hello("ana").await;
    let again = client.ask("hello", json!({"protocol": 1, "auth": {"type": "guest", "name": "bo"}})).await;
    assert_rule(&again, "already_welcome", None, "");
}

#[tokio::test]
async fn names_that_break_a_rule_are_told_which() {
    let server = Server::start().await;
    let long = "茶".repeat(33);
    for (number, (name, rule)) in [
        ("", "1 to 32 characters"),
        (long.as_str(), "1 to 32 characters"),
        ("a b", "spaces"),
        ("a\u{202e}b", "nobody can see"),
        ("a\u{0007}", "nobody can see"),
        ("a\u{200b}b", "nobody can see"),
        ("ana\u{3164}", "nobody can see"),
        ("\u{301}ana", "accent"),
        ("ana\u{378}", "most devices"),
        ("🍵\u{200d}🍵", "emoji"),
        ("דana", "read from the right"),
        ("/quit", "'/'"),
        ("@ana", "'@'"),
        ("a,b", "','"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut client = tcp::connect(&server).await;
        let hello = json!({"protocol": 1, "auth": {"type": "guest", "name": name}});
        assert_rule(&client.ask("hello", hello).await, "invalid_field", Some("auth.name"), rule);
        // The connection lives, and a good name is taken.
        client.hello(&format!("茶客{number}")).await;
    }
}

#[tokio::test]
async fn names_that_look_alike_are_one_name() {
    let server = Server::start().await;
    let mut ana = tcp::connect(&server).await;
    ana.hello("ana").await;
    let mut alice = tcp::connect(&server).await;
    alice.hello("Alice").await;
    for name in ["ana", "ANA", "аnа", "alice", "aIice", "AIice", "🅐🅝🅐"] {
        let mut other = tcp::connect(&server).await;
        let reply = other.ask("hello", json!({"protocol": 1, "auth": {"type": "guest", "name": name}})).await;
        assert_rule(&reply, "name_taken", reply.get("field").and_then(Value::as_str), "");
    }
}

#[tokio::test]
async fn ordinary_emoji_are_names() {
    let server = Server::start().await;
    let mut clients = Vec::new();
    for name in ["☕\u{fe0f}", "👩\u{200d}🏫", "🇨🇳", "1\u{fe0f}\u{20e3}", "👍🏽", "نامه\u{200c}ای"]
    {
        let mut client = tcp::connect(&server).await;
        client.hello(name).await;
        client.must("join", json!({"room": name, "create": true})).await;
        clients.push(client);
    }
    let mut other = tcp::connect(&server).await;
    let reply = other.ask("hello", json!({"protocol": 1, "auth": {"type": "guest", "name": "☕"}})).await;
    assert_rule(&reply, "name_taken", Some("auth.name"), "");
    let reply = clients[1].ask("join", json!({"room": "☕", "create": true})).await;
    assert_eq!(reply["room"], "☕\u{fe0f}", "the same room: {reply}");
}

#[tokio::test]
async fn rooms_that_break_a_rule_are_told_which() {
    let server = Server::start().await;
    let mut client = tcp::connect(&server).await;
    client.hello("ana").await;
    let long = "茶".repeat(33);
    for (room, rule) in [
        ("", "1 to 32 characters"),
        (long.as_str(), "1 to 32 characters"),
        ("a b", "spaces"),
        ("#tea", "'#'"),
        ("tea\u{2800}", "nobody can see"),
        ("\u{20dd}tea", "accent"),
    ] {
        let reply = client.ask("join", json!({"room": room, "create": true})).await;
        assert_rule(&reply, "invalid_field", Some("room"), rule);
    }
    let reply = client.ask("join", json!({"room": "nowhere"})).await;
    assert_rule(&reply, "no_such_room", reply.get("field").and_then(Value::as_str), "nowhere");
    let reply = client.ask("post", json!({"room": "lobby", "text": "x"})).await;
    assert_rule(&reply, "not_member", reply.get("field").and_then(Value::as_str), "join");
}

#[tokio::test]
async fn texts_that_are_empty_or_too_long_are_told_the_rule() {
    let server = Server::start().await;
    for mut client in [tcp::enter(&server, "ana").await, ws::enter(&server, "bo").await] {
        for text in ["", " \n\t", "\u{3000}", "\u{200b}", "\u{2800}\u{fe0f} \u{e0041}"] {
            let reply = client.ask("post", json!({"room": "lobby", "text": text})).await;
            assert_rule(&reply, "invalid_field", Some("text"), "must not be empty");
        }
        let reply = client.ask("post", json!({"room": "lobby", "text": "茶".repeat(8_001)})).await;
        assert_rule(&reply, "invalid_field", Some("text"), "8000");
        client.post("lobby", "好").await;
    }
    let mut witness = tcp::connect(&server).await;
    witness.hello("witness").await;
    assert_eq!(witness.posts("lobby").await.len(), 2, "nothing of it was posted");
}

#[tokio::test]
async fn whoever_posts_too_fast_is_told_how_long_to_wait() {
    let server = Server::with(&["--posts-per-second", "1"]).await;
    let mut client = tcp::enter(&server, "ana").await;
    let refusal = loop {
        let reply = client.ask("post", json!({"room": "lobby", "text": "快"})).await;
        if reply["type"] == "error" {
            break reply;
        }
    };
    assert_eq!(
        (&refusal["code"], &refusal["temporary"]),
        (&json!("rate_limited"), &json!(true)),
        "{refusal}"
    );
    assert!(refusal["retry_after_ms"].as_u64() > Some(0), "{refusal}");
    client.must("ping", json!({})).await;
}

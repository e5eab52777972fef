//! The server is told to stop.

use serde_json::Value;
use teahouse_tests::client::Client;
use teahouse_tests::server::Server;
use teahouse_tests::text::Text;
use teahouse_tests::{tcp, ws};

fn assert_goodbye(said: &[Value]) {
    let goodbye = said.iter().find(|message| message["type"] == "goodbye");
    let goodbye = goodbye.unwrap_or_else(|| panic!("no goodbye in {said:?}"));
    assert_eq!(
        (&goodbye["reason"], &goodbye["reconnect"]),
        (&"shutting_down".into(), &true.into()),
        "{goodbye}"
    );
    assert!(!goodbye["message"].as_str().unwrap_or_default().is_empty(), "{goodbye}");
}

async fn everybody_is_told(interrupt: bool) {
    let mut server = Server::start().await;
    let mut socket = ws::enter(&server, "socket").await;
    let mut json = tcp::enter(&server, "json").await;
    let mut text = Text::connect(&server).await;
    text.send("/name dou\n").await;
    text.received.line("a greeting", |line| !line.is_empty()).await;
    let silent = Text::connect(&server).await;

    let finished = if interrupt { server.interrupt().await } else { server.stop().await };
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_goodbye(&json.closed().await);
    assert_goodbye(&socket.closed().await);
    let (code, _) = socket.close_code().expect("an orderly close");
    assert!(matches!(code, 1001 | 1012), "going away or restarting, not {code}");
    let greeting = text.received.lines().len();
    assert!(text.received.end().await.lines().count() >= greeting, "in words: {}", text.received.text());
    assert_eq!(silent.received.end().await, "");
}

#[tokio::test]
async fn sigterm_says_goodbye_to_everybody() {
    everybody_is_told(false).await;
}

#[tokio::test]
async fn sigint_does_the_same() {
    everybody_is_told(true).await;
}

#[tokio::test]
async fn what_was_taken_is_answered_before_the_end() {
    const POSTS: usize = 50;
    let mut server = Server::start().await;
    let mut ana: Client = tcp::enter(&server, "ana").await;
    for number in 0..POSTS {
        ana.send("post", serde_json::json!({"room": "lobby", "text": format!("{number}")})).await;
    }
    // The first event: the rest is on its way through the server.
    let mut said = Vec::new();
    while !said.iter().any(|message: &Value| message["kind"] == "post") {
        said.push(ana.receive().await.expect("the server answers"));
    }
    server.terminate();
    said.extend(ana.closed().await);
    assert_goodbye(&said);
    server.finish().await;

    server.start_again().await;
    let mut witness = tcp::connect(&server).await;
    witness.hello("witness").await;
    let kept = witness.whole_history("lobby").await;
    let numbers = |kept: &[Value], of: fn(&Value) -> bool| -> Vec<u64> {
        kept.iter().filter(|message| of(message)).filter_map(|message| message["seq"].as_u64()).collect()
    };
    let answered = numbers(&said, |message| message["type"] == "ack");
    assert!(!answered.is_empty());
    assert_eq!(answered, numbers(&kept, |event| event["kind"] == "post"), "whatever was taken was answered");
}

//! Lines and messages that are no requests.

use serde_json::{Value, json};
use teahouse_tests::client::Client;
use teahouse_tests::server::Server;
use teahouse_tests::text::Text;
use teahouse_tests::{tcp, ws};

const LINE_BYTES_MAX: usize = 128 * 1024;
const BAD_LINES_MAX: usize = 100;

fn assert_error(reply: &Value, code: &str, named: &str) {
    assert_eq!(reply["type"], "error", "{reply}");
    assert_eq!(reply["code"], code, "{reply}");
    assert_eq!(reply["temporary"], false, "{reply}");
    let words = reply["message"].as_str().unwrap_or_default();
    assert!(words.contains(named), "the message names {named}: {reply}");
}

/// Lines that are wrong, the code of the answer, what its message must name, and the field.
const BAD: &[(&str, &str, &str, Option<&str>)] = &[
    (r#"{"id":7"#, "malformed", "column", None),
    (r#"{"id":7,"type":"ping"} and more"#, "malformed", "column", None),
    ("hello", "malformed", "JSON object", None),
    ("[1,2]", "malformed", "JSON object", None),
    (r#"{"type":"ping"}"#, "invalid_field", "id", Some("id")),
    (r#"{"id":7}"#, "invalid_field", "type", Some("type")),
    (r#"{"id":7,"type":"dance"}"#, "unknown_type", "dance", Some("type")),
    (r#"{"id":7,"type":"post","room":"lobby"}"#, "invalid_field", "text", Some("text")),
    (r#"{"id":7,"type":"post","room":5,"text":"x"}"#, "invalid_field", "room", Some("room")),
    (r#"{"id":7,"type":"hello","protocol":1}"#, "invalid_field", "auth", Some("auth")),
];

async fn bad_lines_get_an_answer(mut client: Client) {
    client.hello("ana").await;
    for (line, code, named, field) in BAD {
        client.send_text(line).await;
        let reply = client.receive().await.unwrap_or_else(|| panic!("closed after {line}"));
        assert_error(&reply, code, named);
        assert_eq!(reply.get("field").and_then(Value::as_str), *field, "{line}: {reply}");
    }
    assert_eq!(client.must("ping", json!({})).await["type"], "pong", "the connection lives");
}

#[tokio::test]
async fn bad_lines_over_tcp_get_an_answer_and_the_connection_lives() {
    let server = Server::start().await;
    bad_lines_get_an_answer(tcp::connect(&server).await).await;
}

#[tokio::test]
async fn bad_messages_over_websocket_get_an_answer_and_the_connection_lives() {
    let server = Server::start().await;
    bad_lines_get_an_answer(ws::connect(&server).await).await;
}

#[tokio::test]
async fn a_line_that_is_not_utf8_gets_an_answer_and_the_connection_lives() {
    let server = Server::start().await;
    let mut client = tcp::connect(&server).await;
    client.hello("ana").await;
    client.tcp().send_bytes(b"{\"id\":7,\"type\":\"\xff\xfe\"}\n").await.expect("the server reads");
    let reply = client.receive().await.expect("the connection lives");
    assert_error(&reply, "malformed", "UTF-8");
    client.must("ping", json!({})).await;
}

#[tokio::test]
async fn a_line_of_128_kib_passes_and_a_longer_one_closes() {
    let server = Server::start().await;
    let mut client = tcp::connect(&server).await;
    client.hello("ana").await;
    // Unknown fields are ignored, so a line can be made of any length.
    let line = |length: usize| {
        let frame = r#"{"id":99,"type":"ping","x":""}"#;
        frame.replace(r#""x":"""#, &format!(r#""x":"{}""#, "x".repeat(length - frame.len())))
    };
    client.send_text(&line(LINE_BYTES_MAX)).await;
    assert_eq!(client.reply(99).await["type"], "pong");

    // The server may close before it has read everything.
    let _ = client.try_send_text(&line(LINE_BYTES_MAX + 1)).await;
    let said = client.closed().await;
    let last = said.last().unwrap_or_else(|| panic!("closed without a reason"));
    assert_error(last, "frame_too_long", "131072");
}

/// What a text may be is counted in characters, however they are written.
#[tokio::test]
async fn eight_thousand_emoji_in_escapes_are_a_text_and_one_more_is_told_the_limit() {
    let server = Server::start().await;
    for (mut client, name) in [(tcp::connect(&server).await, "ana"), (ws::connect(&server).await, "bo")] {
        client.hello(name).await;
        client.must("join", json!({"room": "lobby"})).await;
        let line = |count: usize| {
            let text = r"\ud83c\udf75".repeat(count);
            format!(r#"{{"id":99,"type":"post","room":"lobby","text":"{text}"}}"#)
        };
        client.send_text(&line(8_000)).await;
        let reply = client.reply(99).await;
        assert_eq!(reply["type"], "ack", "{reply}");
        client.send_text(&line(8_001)).await;
        assert_error(&client.reply(99).await, "invalid_field", "8000 characters");
        client.must("ping", json!({})).await;
    }
    let posts = tcp::enter(&server, "chen").await.posts("lobby").await;
    assert_eq!(posts.len(), 2);
    assert!(posts.iter().all(|(_, text)| *text == "🍵".repeat(8_000)));
}

#[tokio::test]
async fn an_endless_line_closes_before_its_end() {
    let server = Server::start().await;
    let mut client = tcp::connect(&server).await;
    client.hello("ana").await;
    let endless = async {
        let chunk = [b' '; 16 * 1024];
        // Ends when the server closes, which is the point.
        while client.tcp().send_bytes(&chunk).await.is_ok() {}
    };
    Box::pin(teahouse_tests::wait::within("the server to close", endless)).await;

    let mut next = tcp::connect(&server).await;
    next.hello("bo").await;
}

#[tokio::test]
async fn a_message_over_128_kib_closes_the_websocket_with_1009() {
    let server = Server::start().await;
    let mut client = ws::connect(&server).await;
    client.hello("ana").await;
    let _ = client.try_send_text(&"x".repeat(LINE_BYTES_MAX + 1)).await;
    let said = client.closed().await;
    if let Some(last) = said.last() {
        assert_error(last, "frame_too_long", "131072");
    }
    let (code, reason) = client.close_code().expect("an orderly close");
    assert_eq!(code, 1009, "{reason}");
    assert!(!reason.is_empty());
}

#[tokio::test]
async fn a_long_line_of_plain_text_closes_with_a_reason() {
    let server = Server::start().await;
    let mut text = Text::connect(&server).await;
    let _ = text.try_send(vec![b'x'; LINE_BYTES_MAX + 2]).await;
    let said = text.received.end().await;
    assert!(said.contains("131072"), "the reason: {said:?}");
}

async fn a_hundred_bad_lines(server: &Server, mut client: Client) {
    client.hello("ana").await;
    for _ in 0..BAD_LINES_MAX - 1 {
        client.send_text("nonsense").await;
        let reply = client.receive().await.expect("the connection lives");
        assert_error(&reply, "malformed", "JSON object");
    }
    // One good line and the count begins anew.
    client.must("ping", json!({})).await;
    for _ in 0..BAD_LINES_MAX - 1 {
        client.send_text("nonsense").await;
        client.receive().await.expect("the connection lives");
    }
    client.send_text("nonsense").await;
    let said = client.closed().await;
    assert_error(said.last().expect("a reason"), "too_many_bad_lines", "100");
    tcp::connect(server).await.hello("bo").await;
}

#[tokio::test]
async fn a_hundred_bad_lines_in_a_row_close() {
    let server = Server::start().await;
    a_hundred_bad_lines(&server, tcp::connect(&server).await).await;
}

#[tokio::test]
async fn a_hundred_bad_messages_in_a_row_close() {
    let server = Server::start().await;
    a_hundred_bad_lines(&server, ws::connect(&server).await).await;
}

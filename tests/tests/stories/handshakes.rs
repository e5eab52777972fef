//! HTTP requests and WebSocket handshakes that are wrong.

use teahouse_tests::server::Server;
use teahouse_tests::text::Text;
use teahouse_tests::{tcp, ws};
use tokio_tungstenite::tungstenite::{Error, Message};

/// Sends one request; gives the status and everything that came back.
async fn http(server: &Server, method_and_path: &str, headers: &str) -> (u16, String) {
    let mut connection = Text::connect(server).await;
    let host = server.address();
    let request = format!("{method_and_path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
    connection.send(request).await;
    status(connection).await
}

async fn status(connection: Text) -> (u16, String) {
    let answer = connection.received.end().await;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no HTTP answer: {answer:?}")), answer)
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

const UPGRADE: &str = "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

async fn upgrade(server: &Server, method: &str, headers: &str) -> (u16, String) {
    let mut connection = Text::connect(server).await;
    let host = server.address();
    connection
        .send(format!("{method} /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n{headers}\r\n"))
        .await;
    let status = connection.received.until("a status", |text| {
        let (head, _) = text.split_once("\r\n\r\n")?;
        head.split(' ').nth(1)?.parse().ok()
    });
    (status.await, connection.received.text())
}

#[tokio::test]
async fn a_wrong_handshake_is_answered_with_the_reason() {
    let server = Server::start().await;
    for (method, headers, allowed) in [
        ("GET", String::new(), &[400, 426][..]),
        ("GET", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n".into(), &[400, 426]),
        ("GET", format!("{UPGRADE}Sec-WebSocket-Version: 8\r\n"), &[400, 426]),
        (
            "GET",
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n".into(),
            &[400, 426],
        ),
        ("POST", format!("{UPGRADE}Sec-WebSocket-Version: 13\r\n"), &[405, 426]),
    ] {
        let (status, answer) = upgrade(&server, method, &headers).await;
        assert!(allowed.contains(&status), "{method} {headers:?}: {answer}");
    }
    let (status, answer) = http(&server, "GET /ws", "").await;
    assert!(matches!(status, 400 | 426), "{answer}");
    assert!(!body(&answer).is_empty(), "the reason in words: {answer}");
}

#[tokio::test]
async fn a_page_from_elsewhere_may_not_connect() {
    let server = Server::start().await;
    let own = format!("http://{}", server.address());
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1", &format!("{own}.evil.example")] {
        match ws::try_connect(&server, &[("origin", origin)]).await {
            Err(error) => match *error {
                Error::Http(answer) => {
                    assert_eq!(answer.status(), 403, "{origin}");
                    assert!(
                        answer.body().as_ref().is_some_and(|body| !body.is_empty()),
                        "the reason in words"
                    );
                }
                error => panic!("{origin}: {error}"),
            },
            Ok(_) => panic!("{origin} may connect"),
        }
    }
    ws::try_connect(&server, &[("origin", &own)]).await.expect("its own page may connect").hello("ana").await;
}

#[tokio::test]
async fn binary_messages_close_with_1003() {
    let server = Server::start().await;
    let mut client = ws::connect(&server).await;
    client.hello("ana").await;
    client.ws().send_message(Message::binary(vec![1, 2, 3])).await.expect("the server reads");
    client.closed().await;
    let (code, reason) = client.close_code().expect("an orderly close");
    assert_eq!(code, 1003);
    assert!(!reason.is_empty());
}

#[tokio::test]
async fn garbage_harms_nobody() {
    let server = Server::start().await;
    for garbage in
        [&b"\x00\x01\x02\xff\xfe"[..], b"GET", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00", b"{\"\x00"]
    {
        let mut connection = Text::connect(&server).await;
        connection.send(garbage).await;
        connection.finish().await;
        connection.received.end().await;
    }
    tcp::enter(&server, "ana").await.post("lobby", "还好").await;
}

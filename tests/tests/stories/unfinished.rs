//! Connections that begin and do not go on, and connections that say nothing.

use std::net::SocketAddr;

use teahouse_tests::server::Server;
use teahouse_tests::tcp;
use teahouse_tests::text::Text;
use teahouse_tests::wait::within;
use tokio::net::{TcpSocket, TcpStream};

/// Short, so that nobody waits long; the time itself is not what is tested.
const SOON: &[&str] = &["--handshake-timeout-ms", "300", "--silent-timeout-ms", "300"];
const SILENT_PER_ADDRESS_MAX: usize = 32;
const SILENT_MAX: usize = 1_000;

#[tokio::test]
async fn half_a_hello_is_closed_with_a_reason() {
    let server = Server::with(&SOON[..2]).await;
    for beginning in ["{", r#"{"id":1,"type":"hel"#] {
        let mut client = tcp::connect(&server).await;
        client.tcp().send_bytes(beginning.as_bytes()).await.expect("the server reads");
        let said = client.closed().await;
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0]["code"], "timed_out", "{said:?}");
    }
}

#[tokio::test]
async fn requests_without_hello_do_not_keep_a_connection() {
    let server = Server::with(&SOON[..2]).await;
    let mut client = tcp::connect(&server).await;
    client.send_text(r#"{"id":1,"type":"dance"}"#).await;
    let said = client.closed().await;
    assert_eq!(said.last().expect("a reason")["code"], "timed_out", "{said:?}");
}

#[tokio::test]
async fn half_an_http_request_is_closed() {
    let server = Server::with(&SOON[..2]).await;
    for beginning in ["GET / HT", "GET /ws HTTP/1.1\r\nHost: x\r\n"] {
        let mut connection = Text::connect(&server).await;
        connection.send(beginning).await;
        let said = connection.received.end().await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    }
}

#[tokio::test]
async fn an_answer_that_nobody_takes_does_not_wait_for_ever() {
    let server = Server::with(&SOON[..2]).await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a small buffer");
    let mut stream =
        within("a connection", socket.connect(server.address())).await.expect("the server accepts");
    let local = stream.local_addr().expect("connected");
    // More than fits in what lies between the two.
    let requests = "GET /theme.css HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(20_000);
    let asked = async { tokio::io::AsyncWriteExt::write_all(&mut stream, requests.as_bytes()).await };
    // The server reads no further once nothing of its answers is taken.
    let left = server.wait_for_log("the end", |line| line.contains(&format!("{local} left")));
    tokio::join!(left, async { drop(asked.await) });
}

#[tokio::test]
async fn a_websocket_that_never_says_hello_is_closed_with_a_reason() {
    let server = Server::with(&SOON[..2]).await;
    let mut client = teahouse_tests::ws::connect(&server).await;
    let said = client.closed().await;
    assert_eq!(said.last().expect("a reason")["code"], "timed_out", "{said:?}");
    assert!(client.close_code().is_some(), "an orderly close");
}

#[tokio::test]
async fn somebody_who_said_hello_may_be_silent() {
    let server = Server::with(SOON).await;
    let mut quiet = tcp::enter(&server, "quiet").await;
    // Somebody else is closed for silence later than quiet would have been.
    let silent = Text::connect(&server).await;
    silent.received.end().await;
    let mut other = tcp::enter(&server, "other").await;
    other.post("lobby", "还在吗").await;
    assert_eq!(quiet.post_event("lobby").await.1, "还在吗");
}

#[tokio::test]
async fn a_silent_connection_is_kept() {
    let server = Server::start().await;
    let mut silent = Text::connect(&server).await;
    // Words without a line ending are answered after a pause: whoever is silent must outlive that pause, twice.
    for words in ["你好", "再见"] {
        let mut other = Text::connect(&server).await;
        other.send(words).await;
        other.received.line("the words", |line| line.ends_with(words)).await;
        assert!(!silent.received.has_ended(), "closed though there is room");
    }
    silent.send("现在\n").await;
    silent.received.line("the words", |line| line.ends_with("现在")).await;
}

#[tokio::test]
async fn silence_ends_after_a_while() {
    let server = Server::with(&SOON[2..]).await;
    let silent = Text::connect(&server).await;
    assert_eq!(silent.received.end().await, "", "nobody is spoken to before the first byte");
}

#[tokio::test]
async fn one_address_may_have_32_silent_connections() {
    let server = Server::start().await;
    let mut silent = Vec::new();
    for _ in 0..=SILENT_PER_ADDRESS_MAX {
        silent.push(Text::connect(&server).await);
    }
    let oldest = silent.remove(0);
    oldest.received.end().await;
    // The others are all there and can speak.
    for connection in &mut silent {
        connection.send("/help\n").await;
    }
    for connection in &silent {
        connection.received.line("a greeting", |line| !line.is_empty()).await;
        assert!(!connection.received.has_ended());
    }
}

/// Other addresses of the loopback network can be had without asking on Linux alone.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn all_together_may_have_1000_silent_connections() {
    let server = Server::start().await;
    let mut silent = Vec::new();
    for number in 0..=SILENT_MAX {
        let from = SocketAddr::from(([127, 0, 1, (1 + number / SILENT_PER_ADDRESS_MAX) as u8], 0));
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(from).expect("a loopback address");
        let stream: TcpStream =
            within("a connection", socket.connect(server.address())).await.expect("the server accepts");
        silent.push(Text::over(stream));
    }
    let oldest = silent.remove(0);
    oldest.received.end().await;
    let newest = silent.last_mut().expect("there are many");
    newest.send("/help\n").await;
    newest.received.line("a greeting", |line| !line.is_empty()).await;
    let second = &mut silent[0];
    second.send("/help\n").await;
    second.received.line("a greeting", |line| !line.is_empty()).await;
}

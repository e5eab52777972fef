//! Whoever asks and never reads.

use std::net::SocketAddr;
use std::time::Duration;

use teahouse_tests::wait::within;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::arena::{ATTACKER, connect};

/// A peer that is not read from for so long has done what it can.
const STUCK: Duration = Duration::from_millis(300);

/// What is asked again and again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) name: &'static str,
    /// What comes first, answered with at least one byte.
    enter: &'static [u8],
    /// What is repeated.
    ask: &'static [u8],
}

const HELLO: &[u8] = b"{\"id\":1,\"type\":\"hello\",\"protocol\":1,\"auth\":{\"type\":\"guest\"}}\n";
const UPGRADE: &[u8] =
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

pub(super) const QUESTIONS: &[Question] = &[
    Question { name: "unknown commands in words", enter: b"\n", ask: b"/x\n" },
    Question { name: "help in words", enter: b"\n", ask: b"/help\n" },
    Question { name: "history in words", enter: b"\n", ask: b"/history 200\n" },
    Question {
        name: "history",
        enter: HELLO,
        ask: b"{\"id\":2,\"type\":\"history\",\"room\":\"lobby\",\"limit\":200}\n",
    },
    Question { name: "who", enter: HELLO, ask: b"{\"id\":2,\"type\":\"who\",\"room\":\"lobby\"}\n" },
    Question { name: "rooms", enter: HELLO, ask: b"{\"id\":2,\"type\":\"rooms\"}\n" },
    Question { name: "pings", enter: HELLO, ask: b"{\"id\":2,\"type\":\"ping\"}\n" },
    Question { name: "errors", enter: HELLO, ask: b"{\n{\"id\":2,\"type\":\"ping\"}\n" },
    Question {
        name: "a room that is not there",
        enter: HELLO,
        ask: b"{\"id\":2,\"type\":\"post\",\"room\":\"no\",\"text\":\"x\"}\n",
    },
    // Masked with zeroes, which says the same.
    Question { name: "pings of WebSocket", enter: UPGRADE, ask: b"\x89\x84\0\0\0\0ping" },
    Question { name: "pages of HTTP", enter: b"GET /", ask: b" HTTP/1.1\r\nHost: localhost\r\n\r\nGET /" },
];

/// Asks on so many connections until nothing is read any more, or so many bytes were. Gives the connections, which nobody
/// reads.
pub(super) async fn ask(
    question: Question,
    address: SocketAddr,
    connections: usize,
    bytes_max: usize,
) -> Vec<TcpStream> {
    let mut asking = JoinSet::new();
    for _ in 0..connections {
        asking.spawn(async move {
            let mut stream = connect(ATTACKER, address).await;
            stream.write_all(question.enter).await.expect("the server reads");
            if question.enter != b"GET /" {
                let mut first = [0];
                within("an answer", stream.read_exact(&mut first)).await.expect("the server answers");
            }
            let piece = question.ask.repeat(64 * 1024 / question.ask.len());
            let mut written = 0;
            while written < bytes_max {
                match timeout(STUCK, stream.write_all(&piece)).await {
                    Ok(Ok(())) => written += piece.len(),
                    // The server closed, or reads no more.
                    Ok(Err(_)) | Err(_) => break,
                }
            }
            stream
        });
    }
    asking.join_all().await
}

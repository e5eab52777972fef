use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use teahouse_protocol::{ErrorCode, ErrorReply, ServerMessage};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::arrival::refuse;
use super::listener::Pin;
use crate::admission::Crowded;
use crate::door::{Guess, sniff};

/// So many peers of a listener are told at a time that there is no room; further ones are closed without a word.
const TOLD_MAX: usize = 64;
/// Whoever is told has so long to say in which language.
const FIRST_WORD: Duration = Duration::from_secs(1);
/// When a peer that was not let in may try again.
const RETRY_AFTER_MS: u64 = 5_000;

/// Tells peers that they are not let in.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    told: AtomicUsize,
}

impl Refusals {
    /// Tells one, in its language if it says something soon.
    pub(super) async fn tell(&self, stream: TcpStream, pin: Option<Pin>, why: Crowded) {
        if self.told.fetch_add(1, Ordering::Relaxed) < TOLD_MAX {
            let words = async {
                let mut first = [0; 64];
                let read = match pin {
                    Some(_) => 0,
                    None => stream.peek(&mut first).await?,
                };
                io::Result::Ok(refusal(pin, sniff(&first[..read]), why))
            };
            if let Ok(Ok(words)) = timeout(FIRST_WORD, words).await {
                refuse(stream, &words).await;
            }
        }
        self.told.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is said to a peer that is not let in.
pub(super) fn refusal(pin: Option<Pin>, guess: Guess, why: Crowded) -> Vec<u8> {
    match (pin, guess) {
        (Some(Pin::Json), _) | (None, Guess::Json) => {
            let error = ErrorReply {
                re: None,
                code: ErrorCode::LimitReached,
                message: why.to_string(),
                field: None,
                rule: None,
                temporary: true,
                retry_after_ms: Some(RETRY_AFTER_MS),
            };
            format!("{}\n", ServerMessage::Error(error).to_json()).into()
        }
        (Some(Pin::Http), _) | (None, Guess::Http | Guess::Begun) => {
            let words = format!("{why}\n");
            format!(
                "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n\
                 retry-after: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{words}",
                RETRY_AFTER_MS / 1_000,
                words.len()
            )
            .into()
        }
        _ => format!("! 茶馆坐满了，请稍后再来 · {why}\n").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_let_in_is_told_in_its_language() {
        let said = |guess| String::from_utf8(refusal(None, guess, Crowded::Server(7))).expect("UTF-8");
        assert!(said(Guess::Json).starts_with("{\"type\":\"error\",\"code\":\"limit_reached\""));
        assert!(said(Guess::Http).starts_with("HTTP/1.1 503 "));
        assert!(said(Guess::Text).contains("茶馆") && said(Guess::Text).ends_with("try again later\n"));
    }
}

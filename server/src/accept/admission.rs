use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use teahouse_protocol::{ErrorCode, ErrorReply, ServerMessage};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::arrival::refuse;
use crate::config::Pin;
use crate::door::{Guess, sniff};
use crate::pace::Address;

/// So many peers are told at a time that there is no room; further ones are closed without a word.
const TOLD_MAX: usize = 64;
/// Whoever is told has so long to say in which language.
const FIRST_WORD: Duration = Duration::from_secs(1);
/// When a peer that was not let in may try again.
const RETRY_AFTER_MS: u64 = 5_000;

/// How many connections there may be; `None` for any number.
#[derive(Debug, Clone, Copy, Default)]
pub struct Capacity {
    /// In all.
    pub connections: Option<usize>,
    /// Of one address.
    pub of_address: Option<usize>,
}

/// How many connections there are, in all and of each address.
#[derive(Debug, Default)]
pub struct Admission {
    capacity: Capacity,
    open: Mutex<Open>,
    told: AtomicUsize,
}

#[derive(Debug, Default)]
struct Open {
    connections: usize,
    of_address: HashMap<Address, usize>,
}

/// That a connection was let in; given back when dropped.
#[derive(Debug)]
pub(super) struct Pass {
    admission: Arc<Admission>,
    address: Option<Address>,
    /// Whether it is one of all connections, and not the client behind one that is counted already.
    counts: bool,
}

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Crowded {
    /// All places are taken.
    #[error("this server has {0} connections, which is the most; try again later")]
    Server(usize),
    /// All places of the address are taken.
    #[error("this server has {0} connections of your address, which is the most; close one first")]
    Address(usize),
    /// The address connects too often.
    #[error("your address connects too often; try again in a few seconds")]
    Pace,
}

impl Admission {
    /// Nobody is here.
    pub fn new(capacity: Capacity) -> Self {
        Self { capacity, ..Self::default() }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a connection in. Without an address it is a proxy's, which speaks for many.
    pub(super) fn enter(self: &Arc<Self>, address: Option<Address>) -> Result<Pass, Crowded> {
        let mut open = self.open();
        if let Some(most) = self.capacity.connections.filter(|most| open.connections >= *most) {
            return Err(Crowded::Server(most));
        }
        if let Some(address) = address {
            self.count(&mut open, address)?;
        }
        open.connections += 1;
        Ok(Pass { admission: Arc::clone(self), address, counts: true })
    }

    fn count(&self, open: &mut Open, address: Address) -> Result<(), Crowded> {
        let here = open.of_address.get(&address).copied().unwrap_or(0);
        if let Some(most) = self.capacity.of_address.filter(|most| here >= *most) {
            return Err(Crowded::Address(most));
        }
        open.of_address.insert(address, here + 1);
        Ok(())
    }

    /// Tells a peer that it is not let in, in its language if it says something soon.
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

impl Pass {
    /// Counts the client that a proxy's connection speaks for.
    pub(super) fn for_client(&self, address: Address) -> Result<Self, Crowded> {
        let admission = Arc::clone(&self.admission);
        admission.count(&mut admission.open(), address)?;
        Ok(Self { admission, address: Some(address), counts: false })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut open = self.admission.open();
        open.connections -= usize::from(self.counts);
        if let Some(address) = self.address
            && let Some(here) = open.of_address.get_mut(&address)
        {
            *here -= 1;
            if *here == 0 {
                open.of_address.remove(&address);
            }
        }
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
    fn places_are_counted_and_given_back() {
        let capacity = Capacity { connections: Some(5), of_address: Some(3) };
        let admission = Arc::new(Admission::new(capacity));
        let address = |last: u8| Some(Address::of(std::net::IpAddr::from([10, 0, 0, last])));
        let mut passes: Vec<Pass> =
            (0..3).map(|_| admission.enter(address(1)).expect("there is room")).collect();
        assert_eq!(admission.enter(address(1)).map(drop), Err(Crowded::Address(3)));
        passes.push(admission.enter(None).expect("a proxy"));
        let behind = passes[3].for_client(Address::of(std::net::IpAddr::from([10, 0, 0, 1])));
        assert_eq!(behind.map(drop), Err(Crowded::Address(3)), "clients of a proxy are counted too");
        passes.push(admission.enter(address(2)).expect("there is room"));
        passes.push(
            passes[3].for_client(Address::of(std::net::IpAddr::from([10, 0, 0, 4]))).expect("the first"),
        );
        assert_eq!(admission.enter(address(3)).map(drop), Err(Crowded::Server(5)));
        passes.clear();
        assert!(admission.open().of_address.is_empty() && admission.open().connections == 0);
        assert!(admission.enter(address(1)).is_ok());
    }

    #[test]
    fn who_is_not_let_in_is_told_in_its_language() {
        let said = |guess| String::from_utf8(refusal(None, guess, Crowded::Server(7))).expect("UTF-8");
        assert!(said(Guess::Json).starts_with("{\"type\":\"error\",\"code\":\"limit_reached\""));
        assert!(said(Guess::Http).starts_with("HTTP/1.1 503 "));
        assert!(said(Guess::Text).contains("茶馆") && said(Guess::Text).ends_with("try again later\n"));
    }
}

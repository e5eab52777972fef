//! How fast a client may post: a bucket of tokens that fills with time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Somebody who was too fast has to pause for so long. All its posts are refused meanwhile, so that none of them
/// overtakes an earlier one.
const PAUSE: Duration = Duration::from_secs(1);
/// A bucket holds the tokens of so many seconds.
const BURST_SECONDS: f64 = 5.0;
/// So many addresses are remembered; then those whose buckets are full are forgotten.
const ADDRESSES_MAX: usize = 10_000;

/// How many posts a second are taken; `None` for any number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// From one connection.
    pub connection: Option<f64>,
    /// From one address.
    pub address: Option<f64>,
}

/// Too fast; try again after this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFast(pub Duration);

/// A bucket of tokens, full at first.
#[derive(Debug, Clone)]
struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

impl Bucket {
    fn new(per_second: f64, now: Instant) -> Self {
        Self { tokens: per_second * BURST_SECONDS, filled_at: now }
    }

    fn fill(&mut self, per_second: f64, now: Instant) {
        let seconds = now.saturating_duration_since(self.filled_at).as_secs_f64();
        self.tokens = (self.tokens + seconds * per_second).min(per_second * BURST_SECONDS);
        self.filled_at = now;
    }

    fn take(&mut self, per_second: f64, now: Instant) -> bool {
        self.fill(per_second, now);
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }

    fn is_full(&self, per_second: f64) -> bool {
        self.tokens >= per_second * BURST_SECONDS
    }
}

/// The pace of one connection; nothing until it posts for the first time.
#[derive(Debug, Default)]
pub struct ConnectionPace(Option<Box<Posted>>);

#[derive(Debug, Default)]
struct Posted {
    bucket: Option<Bucket>,
    pause_until: Option<Instant>,
}

/// The pace of all addresses.
#[derive(Debug, Default)]
pub struct AddressPaces(Mutex<HashMap<IpAddr, Bucket>>);

impl ConnectionPace {
    /// Takes a token of the connection and one of its address.
    pub fn take(
        &mut self,
        pace: Pace,
        address: IpAddr,
        addresses: &AddressPaces,
        now: Instant,
    ) -> Result<(), TooFast> {
        let Posted { bucket, pause_until } = &mut **self.0.get_or_insert_default();
        if let Some(until) = *pause_until {
            if now < until {
                return Err(TooFast(until - now));
            }
            *pause_until = None;
        }
        let mine = pace.connection.is_none_or(|per_second| {
            bucket.get_or_insert_with(|| Bucket::new(per_second, now)).take(per_second, now)
        });
        if mine && pace.address.is_none_or(|per_second| addresses.take(address, per_second, now)) {
            return Ok(());
        }
        *pause_until = Some(now + PAUSE);
        Err(TooFast(PAUSE))
    }
}

impl AddressPaces {
    fn take(&self, address: IpAddr, per_second: f64, now: Instant) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= ADDRESSES_MAX && !buckets.contains_key(&address) {
            buckets.retain(|_, bucket| {
                bucket.fill(per_second, now);
                !bucket.is_full(per_second)
            });
        }
        buckets.entry(address).or_insert_with(|| Bucket::new(per_second, now)).take(per_second, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// How many of `posts` at once are taken.
    fn taken(
        pace: Pace,
        connection: &mut ConnectionPace,
        addresses: &AddressPaces,
        posts: usize,
        now: Instant,
    ) -> usize {
        (0..posts).filter(|_| connection.take(pace, HERE, addresses, now).is_ok()).count()
    }

    #[test]
    fn a_burst_is_taken_and_then_a_steady_pace() {
        let pace = Pace { connection: Some(10.0), address: None };
        let (mut connection, addresses) = (ConnectionPace::default(), AddressPaces::default());
        let start = Instant::now();
        assert_eq!(taken(pace, &mut connection, &addresses, 100, start), 50);
        let later = start + Duration::from_millis(400);
        let refused = connection.take(pace, HERE, &addresses, later);
        assert_eq!(refused, Err(TooFast(Duration::from_millis(600))), "nothing overtakes what was refused");
        assert_eq!(taken(pace, &mut connection, &addresses, 100, start + PAUSE), 10);
    }

    #[test]
    fn connections_of_one_address_share_its_pace() {
        let pace = Pace { connection: None, address: Some(10.0) };
        let addresses = AddressPaces::default();
        let start = Instant::now();
        let (mut one, mut other) = (ConnectionPace::default(), ConnectionPace::default());
        assert_eq!(taken(pace, &mut one, &addresses, 30, start), 30);
        assert_eq!(taken(pace, &mut other, &addresses, 30, start), 20);
        let elsewhere = IpAddr::from([10, 0, 0, 1]);
        assert!(one.take(pace, elsewhere, &addresses, start).is_ok());
    }

    #[test]
    fn addresses_that_are_quiet_again_are_forgotten() {
        let addresses = AddressPaces::default();
        let start = Instant::now();
        for number in 0..ADDRESSES_MAX as u32 {
            addresses.take(IpAddr::from(number.to_be_bytes()), 10.0, start);
        }
        addresses.take(HERE, 10.0, start + Duration::from_secs(1));
        assert_eq!(addresses.0.lock().expect("not poisoned").len(), 1);
    }
}

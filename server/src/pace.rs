//! How fast clients may post, change, ask and connect: buckets that fill with time, of connections, users and
//! addresses.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use crate::state::Address;
use crate::state::UserId;

/// Somebody who posted too fast has to pause for so long. All posts of the connection are refused meanwhile, so that
/// none of them overtakes an earlier one.
const PAUSE: Duration = Duration::from_secs(1);
/// So many users and so many addresses are remembered, in [`SHARDS`] parts.
const REMEMBERED_MAX: usize = 16 * 1_024;
/// Each part has a lock of its own.
const SHARDS: usize = 16;
/// Of so many, the one that has used the least is forgotten for a new one.
const LOOKED_AT: usize = 8;

/// What is paced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Posts.
    Posts,
    /// Texts of posts, in bytes.
    PostBytes,
    /// Durable changes that are no posts: guests' hellos, joins, leaves.
    Changes,
    /// New rooms.
    Rooms,
    /// Hellos, by token too.
    Hellos,
    /// Answers to questions, in bytes.
    AnswerBytes,
    /// New connections.
    Connections,
}

const KINDS: usize = 7;

/// How many a second, and how many at once after a pause. `None`: any number.
pub type Rate = Option<Limit>;

/// See [`Rate`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// How many a second.
    pub per_second: f64,
    /// How many at once after a pause.
    pub burst: f64,
}

/// What one connection, one user or one address may do.
pub type Rates = [Rate; KINDS];

/// All rates.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pace {
    /// Of one connection.
    pub connection: Rates,
    /// Of one user.
    pub user: Rates,
    /// Of one address.
    pub address: Rates,
}

/// Too fast; try again after this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFast(pub Duration);

/// For each kind the time at which the bucket is full again, in microseconds; earlier times mean the same as now.
#[derive(Debug, Clone, Copy, Default)]
struct Buckets([u64; KINDS]);

impl Buckets {
    /// Whether a bucket holds `cost`, or all it ever can; if not, how long until it does.
    fn look(&self, kind: Kind, rate: Rate, cost: f64, now: u64) -> Result<(), Duration> {
        let Some(Limit { per_second, burst }) = rate else { return Ok(()) };
        let owed = self.0[kind as usize].saturating_sub(now) as f64;
        let most = (burst - cost).max(0.0) / per_second * 1e6;
        if owed <= most { Ok(()) } else { Err(Duration::from_micros((owed - most).ceil() as u64)) }
    }

    fn take(&mut self, kind: Kind, rate: Rate, cost: f64, now: u64) {
        if let Some(Limit { per_second, .. }) = rate {
            let full = &mut self.0[kind as usize];
            *full = (*full).max(now) + (cost / per_second * 1e6) as u64;
        }
    }

    /// When all of them are full again.
    fn used_until(&self) -> u64 {
        self.0.into_iter().max().unwrap_or_default()
    }
}

/// The buckets of many users or addresses. Remembers so many; whoever is forgotten had used the least, and so nobody
/// makes room for somebody else's or the own debts to be forgotten. Each call does the same small work.
#[derive(Debug)]
struct Book<K> {
    hasher: RandomState,
    shards: [Mutex<Shard<K>>; SHARDS],
}

#[derive(Debug)]
struct Shard<K> {
    places: HashMap<K, usize>,
    buckets: Vec<(K, Buckets)>,
    /// Where the search for somebody to forget goes on.
    hand: usize,
}

impl<K> Default for Shard<K> {
    fn default() -> Self {
        Self { places: HashMap::new(), buckets: Vec::new(), hand: 0 }
    }
}

impl<K> Default for Book<K> {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shards: Default::default() }
    }
}

impl<K: Copy + Eq + Hash> Book<K> {
    fn with<T>(&self, key: K, act: impl FnOnce(&mut Buckets) -> T) -> T {
        let shard = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).expect("small");
        let mut shard = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        act(shard.buckets(key))
    }
}

impl<K: Copy + Eq + Hash> Shard<K> {
    fn buckets(&mut self, key: K) -> &mut Buckets {
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None => {
                let place = self.place();
                let fresh = (key, Buckets::default());
                match self.buckets.get_mut(place) {
                    Some(old) => {
                        self.places.remove(&std::mem::replace(old, fresh).0);
                    }
                    None => self.buckets.push(fresh),
                }
                self.places.insert(key, place);
                place
            }
        };
        &mut self.buckets[place].1
    }

    /// A free place, or that of whoever has used the least among a few.
    fn place(&mut self) -> usize {
        let most = REMEMBERED_MAX / SHARDS;
        if self.buckets.len() < most {
            return self.buckets.len();
        }
        let looked_at = (0..LOOKED_AT).map(|step| (self.hand + step) % most);
        let least = looked_at.min_by_key(|place| self.buckets[*place].1.used_until());
        self.hand = (self.hand + LOOKED_AT) % most;
        least.expect("there are several")
    }
}

/// What users and addresses have used of their rates.
#[derive(Debug)]
pub struct Paces {
    pace: Pace,
    start: Instant,
    users: Book<UserId>,
    addresses: Book<Address>,
}

/// What one connection has used of its rates; nothing until it does something.
#[derive(Debug, Default)]
pub struct ConnectionPace(Option<Box<Used>>);

#[derive(Debug, Default)]
struct Used {
    buckets: Buckets,
    pause_until: Option<Instant>,
}

/// Who wants to do something.
#[derive(Debug, Clone, Copy)]
pub struct Who {
    /// The user, where there is one.
    pub user: Option<UserId>,
    /// From where.
    pub address: Address,
}

impl Paces {
    /// Nobody has used anything.
    pub fn new(pace: Pace) -> Self {
        Self { pace, start: Instant::now(), users: Book::default(), addresses: Book::default() }
    }

    fn micros(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.start).as_micros()).unwrap_or(u64::MAX / 2)
    }

    /// Takes something of an address alone.
    pub fn take(&self, kind: Kind, address: Address, now: Instant) -> Result<(), TooFast> {
        self.take_all(&mut ConnectionPace::default(), &[(kind, 1.0)], Who { user: None, address }, now)
    }

    /// Takes several things of a connection, its user and its address, or none of them.
    pub fn take_all(
        &self,
        connection: &mut ConnectionPace,
        costs: &[(Kind, f64)],
        who: Who,
        now: Instant,
    ) -> Result<(), TooFast> {
        let now = self.micros(now);
        let Pace { connection: mine, user, address } = &self.pace;
        let look = |buckets: &Buckets, rates: &Rates| {
            let waits =
                costs.iter().map(|(kind, cost)| buckets.look(*kind, rates[*kind as usize], *cost, now));
            waits.filter_map(Result::err).max().map_or(Ok(()), |wait| Err(TooFast(wait)))
        };
        let take = |buckets: &mut Buckets, rates: &Rates| {
            for (kind, cost) in costs {
                buckets.take(*kind, rates[*kind as usize], *cost, now);
            }
        };
        let concerned = |rates: &Rates| costs.iter().any(|(kind, _)| rates[*kind as usize].is_some());
        if concerned(mine) {
            look(&connection.used().buckets, mine)?;
        }
        let by_user = who.user.filter(|_| concerned(user));
        if let Some(id) = by_user {
            self.users.with(id, |buckets| look(buckets, user))?;
        }
        if concerned(address) {
            self.addresses.with(who.address, |buckets| {
                look(buckets, address)?;
                take(buckets, address);
                Ok(())
            })?;
        }
        if let Some(id) = by_user {
            self.users.with(id, |buckets| take(buckets, user));
        }
        if concerned(mine) {
            take(&mut connection.used().buckets, mine);
        }
        Ok(())
    }

    /// Takes a post of so many bytes. Once it is refused, so is every post of the connection for a second.
    pub fn take_post(
        &self,
        connection: &mut ConnectionPace,
        bytes: usize,
        who: Who,
        now: Instant,
    ) -> Result<(), TooFast> {
        if let Some(until) = connection.0.as_ref().and_then(|used| used.pause_until)
            && now < until
        {
            return Err(TooFast(until - now));
        }
        let costs = [(Kind::Posts, 1.0), (Kind::PostBytes, bytes as f64)];
        self.take_all(connection, &costs, who, now).map_err(|TooFast(wait)| {
            let pause = wait.max(PAUSE);
            connection.used().pause_until = Some(now + pause);
            TooFast(pause)
        })
    }

    /// How long the connection has to wait for its next answer, because those before were long.
    pub fn next_answer(&self, connection: &ConnectionPace, who: Who, now: Instant) -> Option<Duration> {
        let now = self.micros(now);
        let look = |buckets: &Buckets, rates: &Rates| {
            buckets.look(Kind::AnswerBytes, rates[Kind::AnswerBytes as usize], 0.0, now).err()
        };
        let mine = connection.0.as_ref().and_then(|used| look(&used.buckets, &self.pace.connection));
        let address = self.pace.address[Kind::AnswerBytes as usize]
            .and_then(|_| self.addresses.with(who.address, |buckets| look(buckets, &self.pace.address)));
        mine.max(address)
    }

    /// How long an address has to wait for its next page of HTTP, because its answers before were long.
    pub fn next_page(&self, address: Address, now: Instant) -> Option<Duration> {
        self.next_answer(&ConnectionPace::default(), Who { user: None, address }, now)
    }

    /// A page of HTTP was this long; it counts as an answer to its address.
    pub fn gave_page(&self, address: Address, bytes: u64, now: Instant) {
        let (kind, now) = (Kind::AnswerBytes, self.micros(now));
        let rate = self.pace.address[kind as usize];
        if rate.is_some() {
            self.addresses.with(address, |buckets| buckets.take(kind, rate, bytes as f64, now));
        }
    }

    /// An answer was this long; it is paid for afterwards.
    pub fn answered(&self, connection: &mut ConnectionPace, bytes: usize, who: Who, now: Instant) {
        let now = self.micros(now);
        let Pace { connection: mine, address, .. } = &self.pace;
        let kind = Kind::AnswerBytes;
        if mine[kind as usize].is_some() {
            connection.used().buckets.take(kind, mine[kind as usize], bytes as f64, now);
        }
        if address[kind as usize].is_some() {
            let rate = address[kind as usize];
            self.addresses.with(who.address, |buckets| buckets.take(kind, rate, bytes as f64, now));
        }
    }
}

impl ConnectionPace {
    fn used(&mut self) -> &mut Used {
        self.0.get_or_insert_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Address = Address(1);
    const BURST: f64 = 50.0;

    fn rates(kind: Kind, per_second: f64) -> Rates {
        let mut rates = Rates::default();
        rates[kind as usize] = Some(Limit { per_second, burst: BURST });
        rates
    }

    /// How many of `posts` at once are taken.
    fn taken(paces: &Paces, connection: &mut ConnectionPace, who: Who, posts: usize, now: Instant) -> usize {
        (0..posts).filter(|_| paces.take_post(connection, 1, who, now).is_ok()).count()
    }

    fn nobody(address: Address) -> Who {
        Who { user: None, address }
    }

    #[test]
    fn a_burst_is_taken_and_then_a_steady_pace() {
        let paces = Paces::new(Pace { connection: rates(Kind::Posts, 10.0), ..Pace::default() });
        let mut connection = ConnectionPace::default();
        let start = Instant::now();
        assert_eq!(taken(&paces, &mut connection, nobody(HERE), 100, start), 50);
        let later = start + Duration::from_millis(400);
        let refused = paces.take_post(&mut connection, 1, nobody(HERE), later);
        assert_eq!(refused, Err(TooFast(Duration::from_millis(600))), "nothing overtakes what was refused");
        assert_eq!(taken(&paces, &mut connection, nobody(HERE), 100, start + PAUSE), 10);
    }

    #[test]
    fn bytes_are_paced_like_posts_and_one_that_is_too_long_for_a_burst_is_taken_alone() {
        let paces = Paces::new(Pace { connection: rates(Kind::PostBytes, 10.0), ..Pace::default() });
        let mut connection = ConnectionPace::default();
        let start = Instant::now();
        assert!(paces.take_post(&mut connection, 40, nobody(HERE), start).is_ok());
        let refused = paces.take_post(&mut connection, 30, nobody(HERE), start);
        assert_eq!(refused, Err(TooFast(Duration::from_secs(2))));
        let later = start + Duration::from_secs(60);
        assert!(paces.take_post(&mut connection, 1_000, nobody(HERE), later).is_ok());
        assert!(paces.take_post(&mut connection, 1, nobody(HERE), later + Duration::from_secs(60)).is_err());
    }

    #[test]
    fn connections_of_one_user_or_address_share_its_pace() {
        let by_address = Pace { address: rates(Kind::Posts, 10.0), ..Pace::default() };
        let by_user = Pace { user: rates(Kind::Posts, 10.0), ..Pace::default() };
        for pace in [by_address, by_user] {
            let paces = Paces::new(pace);
            let start = Instant::now();
            let (mut one, mut other) = (ConnectionPace::default(), ConnectionPace::default());
            let who = Who { user: Some(UserId::of(7)), address: HERE };
            assert_eq!(taken(&paces, &mut one, who, 30, start), 30);
            assert_eq!(taken(&paces, &mut other, who, 30, start), 20);
            let elsewhere = Who { user: Some(UserId::of(8)), address: Address(2) };
            assert_eq!(taken(&paces, &mut one, elsewhere, 30, start), 30);
        }
    }

    #[test]
    fn who_is_refused_pays_nothing() {
        let mut pace = Pace { user: rates(Kind::Rooms, 1.0), ..Pace::default() };
        pace.address = rates(Kind::Changes, 1.0);
        let paces = Paces::new(pace);
        let start = Instant::now();
        let who = Who { user: Some(UserId::of(7)), address: HERE };
        let both = [(Kind::Rooms, 30.0), (Kind::Changes, 1.0)];
        let mut connection = ConnectionPace::default();
        assert!(paces.take_all(&mut connection, &both, who, start).is_ok());
        assert!(paces.take_all(&mut connection, &both, who, start).is_err());
        assert!(paces.take_all(&mut connection, &[(Kind::Changes, 49.0)], who, start).is_ok());
    }

    #[test]
    fn answers_are_paid_for_afterwards() {
        let paces = Paces::new(Pace { connection: rates(Kind::AnswerBytes, 10.0), ..Pace::default() });
        let mut connection = ConnectionPace::default();
        let start = Instant::now();
        assert_eq!(paces.next_answer(&connection, nobody(HERE), start), None);
        paces.answered(&mut connection, 70, nobody(HERE), start);
        assert_eq!(paces.next_answer(&connection, nobody(HERE), start), Some(Duration::from_secs(2)));
        assert_eq!(paces.next_answer(&connection, nobody(HERE), start + Duration::from_secs(2)), None);
    }

    #[test]
    fn many_addresses_push_out_nobody_who_owes() {
        let paces = Paces::new(Pace { address: rates(Kind::Posts, 1.0), ..Pace::default() });
        let start = Instant::now();
        let mut connection = ConnectionPace::default();
        assert_eq!(taken(&paces, &mut connection, nobody(HERE), 100, start), 50);
        for number in 2..=10 * REMEMBERED_MAX as u64 {
            let _ = paces.take(Kind::Posts, Address(number), start);
        }
        let remembered: usize = paces
            .addresses
            .shards
            .iter()
            .map(|shard| {
                let shard = shard.lock().expect("not poisoned");
                assert_eq!(shard.places.len(), shard.buckets.len());
                shard.buckets.len()
            })
            .sum();
        assert!(remembered <= REMEMBERED_MAX, "{remembered}");
        assert!(paces.take(Kind::Posts, HERE, start).is_err(), "it still owes");
    }
}

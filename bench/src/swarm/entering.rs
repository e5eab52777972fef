//! How clients come in and leave.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::event::epoll;

use super::Swarm;
use super::connection::{Answers, Connection, Role, Sample};
use crate::clock::nanoseconds;
use crate::ledger::Ledger;
use crate::payload::Scanner;
use crate::peer::Step;

/// How many clients are on their way in at a time, unless all are to come at once.
const AT_A_TIME: usize = 200;
/// After so long without getting on, clients will not get in any more.
const PATIENCE: Duration = Duration::from_secs(30);
/// Those who come at once look around after so many of them.
const LOOK_EVERY: usize = 100;

/// A receiver to be.
#[derive(Debug)]
pub struct Arrival {
    /// Its way in.
    pub steps: Vec<Step>,
    /// What it receives.
    pub room: usize,
    /// Whether it looks closely at what it receives.
    pub sampled: bool,
}

impl Swarm {
    /// Brings posters in. When there are more rooms than posters, room r is posted to by poster r % `posters`; otherwise
    /// all post to all.
    pub fn add_posters(&mut self, posters: usize, rooms: usize) -> Result<()> {
        let first = self.connections.len();
        let joining = (0..posters).map(|poster| {
            let acks = self.dialect.ack().map(Answers::marked);
            (self.dialect.poster_steps(rooms, poster), Role::Poster(acks))
        });
        let joining = joining.collect();
        self.enter(joining, AT_A_TIME, false)?;
        self.posters = (first..self.connections.len()).collect();
        for room in 0..rooms {
            for poster in 0..posters {
                if rooms <= posters || room % posters == poster {
                    self.streams.push(super::Stream { poster, room, posted: 0 });
                }
            }
        }
        self.posted_to = 0..self.streams.len();
        Ok(())
    }

    /// From now on posts go to these rooms only.
    pub fn post_to(&mut self, rooms: std::ops::Range<usize>) {
        let first = self.streams.partition_point(|stream| stream.room < rooms.start);
        let end = self.streams.partition_point(|stream| stream.room < rooms.end);
        self.posted_to = first..end;
    }

    /// Brings in somebody who asks for pages; each answer holds `marker` once. Its number.
    pub fn add_reader(&mut self, steps: Vec<Step>, marker: &'static [u8]) -> Result<usize> {
        self.enter(vec![(steps, Role::Reader(Answers::marked(marker)))], 1, false)?;
        Ok(self.connections.len() - 1)
    }

    /// Members of these rooms, in turn; every `sample_every`th looks closely.
    pub fn members(
        &mut self,
        rooms: std::ops::Range<usize>,
        members: usize,
        sample_every: usize,
    ) -> Vec<Arrival> {
        let first = self.members;
        self.members += rooms.len() * members;
        let arrival = |index: usize| {
            let room = rooms.start + index % rooms.len();
            let steps = self.dialect.receiver_steps(room, first + index);
            Arrival { steps, room, sampled: index % sample_every == sample_every / 2 }
        };
        (0..rooms.len() * members).map(arrival).collect()
    }

    /// Brings receivers in, a few at a time.
    pub fn add(&mut self, arrivals: Vec<Arrival>) -> Result<()> {
        let joining = self.joining(arrivals, &self.due());
        self.enter(joining, AT_A_TIME, false)
    }

    /// Brings receivers in like [`Self::add`]; what each of them heard on its way.
    pub fn add_and_listen(&mut self, arrivals: Vec<Arrival>) -> Result<Vec<Vec<u8>>> {
        let joining = self.joining(arrivals, &self.due());
        let first = self.connections.len();
        self.enter(joining, AT_A_TIME, true)?;
        Ok(self.connections[first..]
            .iter_mut()
            .filter_map(|connection| connection.transcript.take())
            .collect())
    }

    /// Brings receivers in, all at once. How long it took until the last was in, in seconds.
    pub fn storm(&mut self, arrivals: Vec<Arrival>) -> Result<f64> {
        let due = self.due();
        self.storm_from(arrivals, &due)
    }

    /// The number of the next post of each stream.
    pub fn due(&self) -> Vec<u32> {
        self.streams.iter().map(|stream| stream.posted).collect()
    }

    /// Like [`Self::storm`], with receivers that are owed what was posted since [`Self::due`] said this.
    pub fn storm_from(&mut self, arrivals: Vec<Arrival>, due: &[u32]) -> Result<f64> {
        let joining = self.joining(arrivals, due);
        let start = self.clock.now();
        self.enter(joining, usize::MAX, false)?;
        Ok((self.clock.now() - start) as f64 / 1e9)
    }

    /// All receivers leave without a word.
    pub fn drop_receivers(&mut self) {
        self.connections.truncate(self.posters.last().map_or(0, |last| last + 1));
        self.sampled.clear();
    }

    fn joining(&self, arrivals: Vec<Arrival>, due: &[u32]) -> Vec<(Vec<Step>, Role)> {
        let joining = arrivals.into_iter().map(|Arrival { steps, room, sampled }| {
            let sample = sampled.then(|| {
                let streams = self.streams.iter().zip(due).enumerate();
                let own = streams.filter(|(_, (stream, _))| stream.room == room);
                let ledger = Ledger::new(own.map(|(number, (_, due))| (number as u16, *due)));
                Box::new(Sample { scanner: Scanner::default(), ledger })
            });
            (steps, Role::Receiver { room, sample })
        });
        joining.collect()
    }

    fn enter(&mut self, joining: Vec<(Vec<Step>, Role)>, at_a_time: usize, listen: bool) -> Result<()> {
        let mut joining = joining.into_iter().peekable();
        let mut waiting = self.connections.len();
        let mut got_on = self.clock.now();
        while joining.peek().is_some() || waiting < self.connections.len() {
            for _ in 0..LOOK_EVERY.min(at_a_time.saturating_sub(self.connections.len() - waiting)) {
                let Some((steps, role)) = joining.next() else { break };
                self.begin(steps, role, listen)?;
            }
            let patience = if joining.peek().is_some() { Duration::ZERO } else { Duration::from_millis(10) };
            self.turn(patience)?;
            while self.connections.get(waiting).is_some_and(Connection::is_in) {
                waiting += 1;
                got_on = self.clock.now();
            }
            let Some(stuck) = self.connections.get(waiting) else { continue };
            if stuck.gone().is_some() || self.clock.now() - got_on > nanoseconds(PATIENCE) {
                bail!("client {} of {} waits {}", waiting, self.connections.len(), stuck.waits_for());
            }
        }
        Ok(())
    }

    fn begin(&mut self, steps: Vec<Step>, role: Role, listen: bool) -> Result<()> {
        use epoll::EventFlags;
        let index = self.connections.len();
        let mut connection = Connection::connect(self.address, self.dialect.as_ref(), steps, role)
            .with_context(|| format!("client {index} cannot connect"))?;
        connection.transcript = listen.then(Vec::new);
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        epoll::add(&self.epoll, connection.stream(), epoll::EventData::new_u64(index as u64), flags)?;
        if matches!(connection.role, Role::Receiver { sample: Some(_), .. }) {
            self.sampled.push(index);
        }
        self.connections.push(connection);
        Ok(())
    }
}

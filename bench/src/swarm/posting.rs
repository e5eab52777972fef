//! Posting under an open loop, and what came of it.

use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;

use super::Swarm;
use super::connection::Role;
use crate::clock::nanoseconds;
use crate::ledger::Faults;
use crate::payload::Token;

/// What is still missing after so long without a delivery is missing.
const PATIENCE: Duration = Duration::from_secs(5);
/// A latency above this counts as this.
const LATENCY_MAX: Duration = Duration::from_secs(600);

/// How posts are paced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// As many as go, with at most so many posts on their way to the slowest sampled receiver.
    Flood {
        /// How many.
        window: u64,
    },
    /// So many a second, each at its time whatever became of the earlier ones.
    Paced {
        /// How many.
        per_second: f64,
    },
    /// As many as are confirmed, with so many posts unconfirmed.
    Confirmed {
        /// How many.
        outstanding: u64,
    },
}

/// What came of posting for a while.
#[derive(Debug)]
pub struct Stretch {
    /// From the first post to the last delivery.
    pub seconds: f64,
    /// How many were posted.
    pub posts: u64,
    /// How many were confirmed.
    pub acked: u64,
    /// Deliveries to all receivers.
    pub deliveries: u64,
    /// Deliveries that there should have been.
    pub expected: u64,
    /// Reads in which they came.
    pub reads: u64,
    /// From when a post was meant to go to when sampled receivers had it, in nanoseconds.
    pub latencies: Histogram<u64>,
    /// What the sampled receivers found wrong.
    pub faults: Faults,
    /// Receivers that have fewer or more frames than there should be, and by how many frames together.
    pub short: (u64, u64),
    /// As above.
    pub over: (u64, u64),
    /// Why connections are gone.
    pub gone: Vec<String>,
}

impl Stretch {
    /// Everything came once, in order, to everybody.
    pub fn whole(&self) -> bool {
        self.faults.none() && self.short.0 == 0 && self.over.0 == 0 && self.gone.is_empty()
    }
}

impl Swarm {
    /// Posts for so long and waits until everything has come. `done` is called at that moment.
    pub fn post<T>(
        &mut self,
        load: Load,
        size: usize,
        duration: Duration,
        done: impl FnOnce(&Self) -> T,
    ) -> Result<(Stretch, T)> {
        let receivers = self.receivers_by_room();
        let marks: Vec<u64> = self.connections.iter().map(|connection| connection.frames).collect();
        let posted_before: Vec<u32> = self.streams.iter().map(|stream| stream.posted).collect();
        let (frames_before, reads_before, acked_before) = (self.frames, self.reads, self.acked());
        self.latencies = Some(Histogram::new_with_max(nanoseconds(LATENCY_MAX), 3)?);
        let start = self.clock.now();
        let mut posts = 0;
        let mut expected = 0;
        let mut progress = (start, self.frames);
        let base = self.slowest_position();
        loop {
            let now = self.clock.now();
            let over = now - start >= nanoseconds(duration);
            let mut timeout = Duration::from_millis(20);
            match load {
                Load::Paced { per_second } => {
                    let meant = |post: u64| start + (post as f64 * 1e9 / per_second) as u64;
                    let end = start + nanoseconds(duration);
                    while meant(posts) <= now && meant(posts) < end {
                        expected += self.post_one(posts, meant(posts), size, &receivers);
                        posts += 1;
                    }
                    timeout = timeout.min(Duration::from_nanos(meant(posts).saturating_sub(now)));
                }
                Load::Flood { window } if !over => {
                    let on_their_way = posts.saturating_sub(self.slowest_position() - base);
                    let free = window.saturating_sub(on_their_way);
                    if free >= window / 4 {
                        expected += self.post_many(posts, free, now, size, &receivers);
                        posts += free;
                    }
                }
                Load::Confirmed { outstanding } if !over => {
                    let free = outstanding.saturating_sub(posts.saturating_sub(self.acked() - acked_before));
                    if free > 0 {
                        expected += self.post_many(posts, free, now, size, &receivers);
                        posts += free;
                    }
                }
                Load::Flood { .. } | Load::Confirmed { .. } => {}
            }
            self.flush_posters();
            self.turn(timeout)?;
            let now = self.clock.now();
            if self.frames > progress.1 {
                progress = (now, self.frames);
            }
            let confirmed = !matches!(load, Load::Confirmed { .. }) || self.acked() - acked_before >= posts;
            let complete = self.frames - frames_before >= expected && confirmed;
            if over
                && (complete || now - progress.0.max(start + nanoseconds(duration)) > nanoseconds(PATIENCE))
            {
                break;
            }
        }
        let end = self.clock.now();
        let result = done(self);
        let latencies = self.latencies.take().expect("set above");
        // What comes twice comes after all is there.
        self.settle()?;
        let mut stretch = Stretch {
            seconds: (end - start) as f64 / 1e9,
            posts,
            acked: self.acked() - acked_before,
            deliveries: self.frames - frames_before,
            expected,
            reads: self.reads - reads_before,
            latencies,
            faults: self.faults(),
            short: (0, 0),
            over: (0, 0),
            gone: Vec::new(),
        };
        let rooms = receivers.len();
        let mut expected_in = vec![0; rooms];
        for (stream, before) in self.streams.iter().zip(posted_before) {
            if let Some(expected) = expected_in.get_mut(stream.room) {
                *expected += u64::from(stream.posted - before);
            }
        }
        for (connection, mark) in self.connections.iter().zip(marks) {
            if let Some(why) = connection.gone() {
                stretch.gone.push(why.to_owned());
            }
            let Role::Receiver { room, .. } = connection.role else { continue };
            let (came, expected) = (connection.frames - mark, expected_in[room]);
            let side = if came < expected { &mut stretch.short } else { &mut stretch.over };
            side.0 += u64::from(came != expected);
            side.1 += came.abs_diff(expected);
        }
        Ok((stretch, result))
    }

    fn receivers_by_room(&self) -> Vec<u64> {
        let mut receivers = Vec::new();
        for connection in &self.connections {
            let Role::Receiver { room, .. } = connection.role else { continue };
            if receivers.len() <= room {
                receivers.resize(room + 1, 0);
            }
            receivers[room] += 1;
        }
        receivers
    }

    /// How far the slowest sampled receiver is, in posts of its room.
    fn slowest_position(&self) -> u64 {
        let position = |&index: &usize| match &self.connections[index].role {
            Role::Receiver { sample: Some(sample), .. } => Some(sample.ledger.position()),
            _ => None,
        };
        self.sampled.iter().filter_map(position).min().unwrap_or_default()
    }

    /// One post to the next stream; how many deliveries it makes.
    fn post_one(&mut self, turn: u64, meant: u64, size: usize, receivers: &[u64]) -> u64 {
        let stream = (turn % self.streams.len() as u64) as usize;
        self.append(stream, meant, size);
        receivers.get(self.streams[stream].room).copied().unwrap_or_default()
    }

    /// Many posts at once, in one piece per stream.
    fn post_many(&mut self, turn: u64, count: u64, meant: u64, size: usize, receivers: &[u64]) -> u64 {
        let streams = self.streams.len() as u64;
        let mut deliveries = 0;
        for offset in 0..streams.min(count) {
            let share = count / streams + u64::from(offset < count % streams);
            for _ in 0..share {
                deliveries += self.post_one(turn + offset, meant, size, receivers);
            }
        }
        deliveries
    }

    fn append(&mut self, stream: usize, meant: u64, size: usize) {
        let number = stream as u16;
        let stream = &mut self.streams[stream];
        let token = Token { meant, stream: number, number: stream.posted };
        stream.posted += 1;
        let mut payload = std::mem::take(&mut self.payload);
        token.write(size, &mut payload);
        let out = self.connections[self.posters[stream.poster]].outgoing();
        self.dialect.post(stream.room, stream.poster, self.posts, &payload, out);
        self.posts += 1;
        self.payload = payload;
    }

    fn flush_posters(&mut self) {
        for &index in &self.posters {
            self.connections[index].flush();
        }
    }
}

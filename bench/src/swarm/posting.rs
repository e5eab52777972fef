//! Posting under an open loop.

use std::time::Duration;

use anyhow::Result;

use super::connection::Role;
use super::{Load, Plan, Stretch, Swarm, load};
use crate::clock::nanoseconds;
use crate::ledger::Faults;
use crate::payload::Token;

/// What is still missing after so long without anything coming is missing.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest that nothing is looked after.
const TURN: Duration = Duration::from_millis(20);

/// How things stood when a stretch began.
struct Mark {
    start: u64,
    end: u64,
    frames: u64,
    reads: u64,
    acked: u64,
    position: u64,
    frames_of_each: Vec<u64>,
    posted_to_each: Vec<u32>,
}

/// What was sent in a stretch so far.
#[derive(Default)]
struct Sent {
    posts: u64,
    deliveries: u64,
    pages: u64,
}

impl Swarm {
    /// Carries out a plan and waits until everything has come. `done` is called at that moment.
    pub fn carry_out<T>(
        &mut self,
        mut plan: Plan<'_>,
        done: impl FnOnce(&Self) -> T,
    ) -> Result<(Stretch, T)> {
        let receivers = self.receivers_by_room();
        for latencies in [&mut self.latencies, &mut self.ack_latencies, &mut self.page_latencies] {
            latencies.reset();
        }
        let mark = self.mark(plan.duration);
        let pages_before = self.answered(&plan);
        let mut sent = Sent::default();
        let mut progress = (mark.start, 0);
        loop {
            let timeout = self.send(&mut plan, &mark, &mut sent, &receivers);
            self.turn(timeout)?;
            let now = self.clock.now();
            let (acked, pages) = (self.acked() - mark.acked, self.answered(&plan) - pages_before);
            let came = self.frames - mark.frames;
            if came + acked + pages > progress.1 {
                progress = (now, came + acked + pages);
            }
            if now < mark.end && sent.posts < plan.posts_max {
                continue;
            }
            let confirmed = !matches!(plan.load, Load::Confirmed { .. }) || acked >= sent.posts;
            let complete = came >= sent.deliveries && confirmed && pages >= sent.pages;
            if complete || now.saturating_sub(progress.0.max(mark.end)) > nanoseconds(PATIENCE) {
                break;
            }
        }
        let end = self.clock.now();
        let result = done(self);
        // What comes twice comes after all is there.
        self.settle()?;
        let pages = self.answered(&plan) - pages_before;
        let confirmed = matches!(plan.load, Load::Confirmed { .. });
        let unconfirmed = if confirmed { sent.posts.abs_diff(self.acked() - mark.acked) } else { 0 };
        let mut stretch = Stretch {
            seconds: (end - mark.start) as f64 / 1e9,
            posts: sent.posts,
            acked: self.acked() - mark.acked,
            deliveries: self.frames - mark.frames,
            expected: sent.deliveries,
            reads: self.reads - mark.reads,
            latencies: std::mem::replace(&mut self.latencies, load::histogram()),
            ack_latencies: std::mem::replace(&mut self.ack_latencies, load::histogram()),
            page_latencies: std::mem::replace(&mut self.page_latencies, load::histogram()),
            faults: self.faults(),
            short: (0, 0),
            over: (0, 0),
            unanswered: unconfirmed + sent.pages.abs_diff(pages),
            gone: Vec::new(),
        };
        self.check_each(&mark, &mut stretch);
        Ok((stretch, result))
    }

    fn mark(&self, duration: Duration) -> Mark {
        let start = self.clock.now();
        Mark {
            start,
            end: start.saturating_add(nanoseconds(duration)),
            frames: self.frames,
            reads: self.reads,
            acked: self.acked(),
            position: self.slowest_position(),
            frames_of_each: self.connections.iter().map(|connection| connection.frames).collect(),
            posted_to_each: self.streams.iter().map(|stream| stream.posted).collect(),
        }
    }

    /// Sends what is due; when to look again.
    fn send(&mut self, plan: &mut Plan<'_>, mark: &Mark, sent: &mut Sent, receivers: &[u64]) -> Duration {
        let now = self.clock.now();
        let mut timeout = TURN;
        let mut until = |due: u64| timeout = timeout.min(Duration::from_nanos(due.saturating_sub(now)));
        let in_time = now < mark.end;
        let left = plan.posts_max - sent.posts;
        let free = match plan.load {
            Load::Paced { per_second } => {
                let due = |post: u64| mark.start + (post as f64 * 1e9 / per_second) as u64;
                while due(sent.posts) <= now && due(sent.posts) < mark.end && sent.posts < plan.posts_max {
                    sent.deliveries += self.post(sent.posts, due(sent.posts), plan.size, receivers);
                    sent.posts += 1;
                }
                if due(sent.posts) < mark.end {
                    until(due(sent.posts));
                }
                0
            }
            Load::Flood { window } if in_time => {
                let free =
                    window.saturating_sub(sent.posts.saturating_sub(self.slowest_position() - mark.position));
                if free >= window / 4 { free } else { 0 }
            }
            Load::Confirmed { outstanding } if in_time => {
                outstanding.saturating_sub(sent.posts.saturating_sub(self.acked() - mark.acked))
            }
            Load::Still | Load::Flood { .. } | Load::Confirmed { .. } => 0,
        };
        let free = free.min(left);
        sent.deliveries += self.post_many(sent.posts, free, now, plan.size, receivers);
        sent.posts += free;
        for &index in &self.posters {
            self.connections[index].flush();
        }
        if let Some(pages) = &mut plan.pages {
            let due = |page: u64| mark.start + (page as f64 * 1e9 / pages.per_second) as u64;
            while due(sent.pages) <= now && due(sent.pages) < mark.end {
                let reader = &mut self.connections[pages.reader];
                (pages.ask)(reader.outgoing());
                if let Role::Reader(answers) = &mut reader.role {
                    answers.ask(due(sent.pages));
                }
                reader.flush();
                sent.pages += 1;
            }
            until(due(sent.pages));
        }
        timeout
    }

    /// Frames of every receiver against what was posted in its room, and who is gone.
    fn check_each(&self, mark: &Mark, stretch: &mut Stretch) {
        let mut posted_in =
            vec![0; self.streams.iter().map(|stream| stream.room + 1).max().unwrap_or_default()];
        for (stream, before) in self.streams.iter().zip(&mark.posted_to_each) {
            posted_in[stream.room] += u64::from(stream.posted - before);
        }
        for (connection, before) in self.connections.iter().zip(&mark.frames_of_each) {
            if connection.stalled {
                continue;
            }
            if let Some(why) = connection.gone() {
                stretch.gone.push(why.to_owned());
            }
            let Role::Receiver { room, .. } = connection.role else { continue };
            let expected = posted_in.get(room).copied().unwrap_or_default();
            let came = connection.frames - before;
            let side = if came < expected { &mut stretch.short } else { &mut stretch.over };
            side.0 += u64::from(came != expected);
            side.1 += came.abs_diff(expected);
        }
    }

    fn receivers_by_room(&self) -> Vec<u64> {
        let mut receivers = Vec::new();
        for connection in self.connections.iter().filter(|connection| !connection.stalled) {
            let Role::Receiver { room, .. } = connection.role else { continue };
            if receivers.len() <= room {
                receivers.resize(room + 1, 0);
            }
            receivers[room] += 1;
        }
        receivers
    }

    /// Pages that have come so far.
    fn answered(&self, plan: &Plan<'_>) -> u64 {
        match plan.pages.as_ref().map(|pages| &self.connections[pages.reader].role) {
            Some(Role::Reader(answers)) => answers.count,
            _ => 0,
        }
    }

    /// How far the slowest sampled receiver is, in posts of its room.
    fn slowest_position(&self) -> u64 {
        let position = |&index: &usize| match &self.connections[index].role {
            Role::Receiver { sample: Some(sample), .. } => Some(sample.ledger.position()),
            _ => None,
        };
        self.sampled.iter().filter_map(position).min().unwrap_or_default()
    }

    /// Many posts at once, in one piece for each stream; how many deliveries they make.
    fn post_many(&mut self, turn: u64, count: u64, meant: u64, size: usize, receivers: &[u64]) -> u64 {
        let streams = self.posted_to.len() as u64;
        let mut deliveries = 0;
        for offset in 0..streams.min(count) {
            let share = count / streams + u64::from(offset < count % streams);
            for _ in 0..share {
                deliveries += self.post(turn + offset, meant, size, receivers);
            }
        }
        deliveries
    }

    /// One post to the stream whose turn it is; how many deliveries it makes.
    fn post(&mut self, turn: u64, meant: u64, size: usize, receivers: &[u64]) -> u64 {
        let number = self.posted_to.start + (turn % self.posted_to.len() as u64) as usize;
        let stream = &mut self.streams[number];
        let token = Token { meant, stream: number as u16, number: stream.posted };
        stream.posted += 1;
        token.write(size, &mut self.payload);
        let connection = &mut self.connections[self.posters[stream.poster]];
        self.dialect.post(stream.room, stream.poster, self.posts, &self.payload, connection.outgoing());
        if let Role::Poster(Some(acks)) = &mut connection.role {
            acks.ask(meant);
        }
        self.posts += 1;
        receivers.get(stream.room).copied().unwrap_or_default()
    }
}

impl Stretch {
    /// Everything came once, in order, to everybody.
    pub fn whole(&self) -> bool {
        self.faults == Faults::default() && self.complaints().is_empty()
    }

    /// What is wrong besides what the sampled receivers found, in words.
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.short.0 > 0 {
            complaints.push(format!("{} receivers lack {} deliveries", self.short.0, self.short.1));
        }
        if self.over.0 > 0 {
            complaints.push(format!("{} receivers have {} deliveries too many", self.over.0, self.over.1));
        }
        if self.unanswered > 0 {
            complaints.push(format!("{} posts or questions have no answer", self.unanswered));
        }
        if let Some(why) = self.gone.first() {
            complaints.push(format!("{} connections are gone: {why}", self.gone.len()));
        }
        complaints
    }
}

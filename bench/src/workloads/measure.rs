//! From a stretch of posting to figures.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use hdrhistogram::Histogram;

use super::{Setting, Subject};
use crate::ledger::Faults;
use crate::results::Figure;
use crate::server::{Cpu, Server};
use crate::swarm::{Plan, Stretch, Swarm};

/// What one run showed.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was measured.
    pub figures: BTreeMap<Figure, f64>,
    /// What sampled receivers found wrong.
    pub faults: Faults,
    /// What else is wrong.
    pub complaints: Vec<String>,
}

impl Outcome {
    /// Everything came once, in order, to everybody.
    pub fn whole(&self) -> bool {
        self.faults == Faults::default() && self.complaints.is_empty()
    }

    /// Takes over what is wrong with a stretch. Faults of the sampled receivers add up from stretch to stretch by themselves.
    pub(super) fn check(&mut self, stretch: &Stretch) {
        self.faults = stretch.faults;
        self.complaints.extend(stretch.complaints());
    }
}

/// The time that quantiles of a histogram took, in milliseconds.
pub(super) fn milliseconds(latencies: &Histogram<u64>, quantile: f64) -> f64 {
    latencies.value_at_quantile(quantile) as f64 / 1e6
}

/// A server with its swarm.
pub(super) struct Stage {
    pub(super) server: Server,
    pub(super) swarm: Swarm,
}

impl Stage {
    /// Starts the server; nobody is connected.
    pub(super) fn set(subject: Subject<'_>, setting: &Setting) -> Result<Self> {
        Self::around(Server::start(subject.peer, &setting.place, setting.cores)?, subject)
    }

    /// Takes a server that was started.
    pub(super) fn around(server: Server, subject: Subject<'_>) -> Result<Self> {
        let swarm = Swarm::new(server.address(), subject.peer.dialect(subject.transport))?;
        Ok(Self { server, swarm })
    }

    /// Does something with the swarm; when it fails, the server's last words are part of the error.
    pub(super) fn swarm<T>(&mut self, act: impl FnOnce(&mut Swarm) -> Result<T>) -> Result<T> {
        act(&mut self.swarm).with_context(|| format!("its last words: {:?}", self.server.output()))
    }

    /// Carries out a plan, and puts what it cost and how long deliveries took into the outcome.
    pub(super) fn measure(&mut self, plan: Plan<'_>, outcome: &mut Outcome) -> Result<Stretch> {
        let (server_before, own_before) = (self.server.cpu()?, Cpu::own()?);
        let server = &self.server;
        let (stretch, cpu) = self.swarm.carry_out(plan, |_| anyhow::Ok((server.cpu()?, Cpu::own()?)))?;
        let (server_after, own_after) =
            cpu.with_context(|| format!("the server is gone; its last words: {:?}", server.output()))?;
        outcome.check(&stretch);
        let seconds = server_after.seconds_since(&server_before);
        outcome.figures.extend([
            (Figure::CpuShare, seconds / stretch.seconds),
            (Figure::GeneratorShare, own_after.seconds_since(&own_before) / stretch.seconds),
            (Figure::ServerMib, self.server.memory()?.resident as f64 / (1024.0 * 1024.0)),
        ]);
        if stretch.deliveries > 0 && !stretch.latencies.is_empty() {
            let deliveries = stretch.deliveries as f64;
            outcome.figures.extend([
                (Figure::DeliveriesPerCpuSecond, deliveries / seconds),
                (Figure::DeliveriesPerSecond, deliveries / stretch.seconds),
                (Figure::DeliveriesPerRead, deliveries / stretch.reads.max(1) as f64),
                (Figure::P50Ms, milliseconds(&stretch.latencies, 0.5)),
                (Figure::P99Ms, milliseconds(&stretch.latencies, 0.99)),
                (Figure::MaxMs, milliseconds(&stretch.latencies, 1.0)),
            ]);
        }
        // Each read takes what one write or several brought; where there are fewer writes, the server also uses `send`.
        let writes = server_after.writes_since(&server_before);
        if writes * 10 >= stretch.reads * 9 && stretch.reads > 0 {
            outcome.figures.insert(Figure::DeliveriesPerWrite, stretch.deliveries as f64 / writes as f64);
        }
        Ok(stretch)
    }
}

impl Setting {
    /// How long a stretch posts: what was asked for, or this, or for a quick run that.
    pub(super) fn duration(&self, full: f64, quick: f64) -> Duration {
        Duration::from_secs_f64(self.seconds.unwrap_or(if self.quick { quick } else { full }))
    }

    /// How long to warm up.
    pub(super) fn warm_up(&self) -> Duration {
        Duration::from_millis(if self.quick { 300 } else { 1_000 })
    }
}

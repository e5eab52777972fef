//! What servers are put through.

pub mod room;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;

use crate::cores::Cores;
use crate::ledger::Faults;
use crate::peer::{Peer, Transport};
use crate::server::{Cpu, Server};
use crate::swarm::Stretch;

/// How and where all workloads run.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Which core runs what.
    pub cores: Cores,
    /// A folder on the disk, in which each server gets its own.
    pub place: PathBuf,
    /// How long a measured stretch posts, in seconds.
    pub seconds: f64,
}

/// What one run showed.
#[derive(Debug, Default)]
pub struct Outcome {
    /// By name with its unit.
    pub figures: BTreeMap<&'static str, f64>,
    /// What sampled receivers found wrong.
    pub faults: Faults,
    /// Frames that unsampled receivers lack or have too many, and connections that are gone.
    pub complaints: Vec<String>,
}

impl Outcome {
    /// Everything came once, in order, to everybody.
    pub fn whole(&self) -> bool {
        self.faults.none() && self.complaints.is_empty()
    }

    /// Takes over what a stretch of posting says about completeness.
    pub fn check(&mut self, stretch: &Stretch) {
        self.faults.add(stretch.faults);
        if stretch.short.0 > 0 {
            self.complaints
                .push(format!("{} receivers lack {} deliveries", stretch.short.0, stretch.short.1));
        }
        if stretch.over.0 > 0 {
            self.complaints.push(format!("{} receivers have {} too many", stretch.over.0, stretch.over.1));
        }
        if let Some(why) = stretch.gone.first() {
            self.complaints.push(format!("{} connections are gone: {why}", stretch.gone.len()));
        }
    }

    /// Takes over what a stretch of posting cost the server and how long deliveries took.
    pub fn fill(&mut self, stretch: &Stretch, server: f64, generator: f64, writes: u64) {
        let deliveries = stretch.deliveries as f64;
        let milliseconds = |quantile: f64| stretch.latencies.value_at_quantile(quantile) as f64 / 1e6;
        self.figures.extend([
            ("deliveries", deliveries),
            ("deliveries per server CPU second", deliveries / server),
            ("deliveries per second", deliveries / stretch.seconds),
            ("posts per second", stretch.posts as f64 / stretch.seconds),
            ("server CPU share", server / stretch.seconds),
            ("generator CPU share", generator / stretch.seconds),
            ("deliveries per read", deliveries / stretch.reads.max(1) as f64),
            ("p50 ms", milliseconds(0.5)),
            ("p90 ms", milliseconds(0.9)),
            ("p99 ms", milliseconds(0.99)),
            ("p999 ms", milliseconds(0.999)),
            ("max ms", milliseconds(1.0)),
        ]);
        // Servers that use `send` show next to none.
        if writes * 2_000 > stretch.deliveries {
            self.figures.insert("deliveries per write", deliveries / writes as f64);
        }
    }
}

/// The CPU of both sides around a stretch.
#[derive(Debug)]
pub struct Meter {
    server: Cpu,
    generator: Cpu,
}

impl Meter {
    /// Begins.
    pub fn start(server: &Server) -> Result<Self> {
        Ok(Self { server: server.cpu()?, generator: Cpu::own()? })
    }

    /// Seconds of the server and of the generator since, and how often the server called `write`.
    pub fn read(&self, server: &Server) -> Result<(f64, f64, u64)> {
        let now = server.cpu()?;
        let generator = Cpu::own()?.seconds_since(&self.generator);
        Ok((now.seconds_since(&self.server), generator, now.writes_since(&self.server)))
    }
}

/// A case: a workload with its sizes.
pub trait Case {
    /// `room/1000/128/tcp/flood`: what it is called on the command line.
    fn name(&self) -> String;

    /// Over what.
    fn transport(&self) -> Transport;

    /// Puts one peer through it.
    fn run(&self, peer: &dyn Peer, setting: &Setting) -> Result<Outcome>;
}

/// What a transport is called on the command line.
pub fn transport_name(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "tcp",
        Transport::WebSocket => "ws",
    }
}

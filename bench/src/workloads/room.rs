//! One room.

use std::time::Duration;

use anyhow::{Context, Result};

use super::{Case, Meter, Outcome, Setting, transport_name};
use crate::peer::{Peer, Transport};
use crate::server::Server;
use crate::swarm::{Load, Swarm};

/// Who posts in a room.
pub const POSTERS: usize = 4;
/// Posts on their way to the slowest sampled receiver in a flood.
pub const WINDOW: u64 = 4_000;
/// How many receivers look closely.
pub const SAMPLED: usize = 10;

/// One room, in which a few post and all others receive.
#[derive(Debug, Clone, PartialEq)]
pub struct Room {
    /// How many receive.
    pub members: usize,
    /// Bytes of a post.
    pub size: usize,
    /// Over what.
    pub transport: Transport,
    /// Posts a second; without one a flood.
    pub pace: Option<u32>,
}

impl Room {
    /// Reads what follows `room/` in a case's name.
    pub fn parse(rest: &str) -> Option<Self> {
        let [members, size, transport, load] = rest.split('/').collect::<Vec<_>>()[..] else { return None };
        Some(Self {
            members: members.parse().ok().filter(|&members| members > 0)?,
            size: size.parse().ok()?,
            transport: match transport {
                "tcp" => Transport::Tcp,
                "ws" => Transport::WebSocket,
                _ => return None,
            },
            pace: match load {
                "flood" => None,
                load => Some(load.parse().ok().filter(|&pace| pace > 0)?),
            },
        })
    }

    fn load(&self) -> Load {
        match self.pace {
            Some(pace) => Load::Paced { per_second: pace.into() },
            None => Load::Flood { window: WINDOW },
        }
    }
}

impl Case for Room {
    fn name(&self) -> String {
        let load = self.pace.map_or("flood".into(), |pace| pace.to_string());
        format!("room/{}/{}/{}/{load}", self.members, self.size, transport_name(self.transport))
    }

    fn transport(&self) -> Transport {
        self.transport
    }

    fn run(&self, peer: &dyn Peer, setting: &Setting) -> Result<Outcome> {
        let server = Server::start(peer, &setting.place, setting.cores)?;
        let mut swarm = Swarm::new(server.address(), peer.dialect(self.transport))?;
        let said = || format!("the server said:\n{}", server.output());
        swarm.add_posters(POSTERS, 1).with_context(said)?;
        swarm.add_receivers(1, self.members, self.members.div_ceil(SAMPLED)).with_context(said)?;
        swarm.settle()?;
        let warm_up = Duration::from_secs_f64((setting.seconds / 4.0).min(1.0));
        let (warm_up, ()) = swarm.post(self.load(), self.size, warm_up, |_| ())?;
        let mut outcome = Outcome::default();
        outcome.check(&warm_up);
        let meter = Meter::start(&server)?;
        let duration = Duration::from_secs_f64(setting.seconds);
        let (stretch, spent) = swarm.post(self.load(), self.size, duration, |_| meter.read(&server))?;
        let (server, generator, writes) = spent?;
        outcome.faults = Default::default();
        outcome.check(&stretch);
        outcome.fill(&stretch, server, generator, writes);
        Ok(outcome)
    }
}

//! All come at once.

use anyhow::Result;

use super::measure::Stage;
use super::{Field, Outcome, Setting, Subject, Workload, product};
use crate::results::{Case, Figure, Pace};
use crate::server::Cpu;

/// `connect/ROOMSxMEMBERS`.
#[derive(Debug, Clone)]
pub(super) struct Connect {
    rooms: usize,
    members: usize,
}

impl Connect {
    pub(super) fn parse(rest: &str) -> Option<Self> {
        let (rooms, members) = product(rest)?;
        Some(Self { rooms, members })
    }
}

impl Workload for Connect {
    fn name(&self) -> String {
        format!("connect/{}x{}", self.rooms, self.members)
    }

    fn field(&self) -> Field {
        Field::Servers
    }

    fn case(&self) -> Case {
        Case { rooms: self.rooms, members: self.members, bytes: 0, pace: Pace::Still, also: "at once".into() }
    }

    fn run(&self, subject: Subject<'_>, setting: &Setting) -> Result<Vec<(Case, Outcome)>> {
        let mut stage = Stage::set(subject, setting)?;
        let (server, own) = (stage.server.cpu()?, Cpu::own()?);
        let seconds = stage.swarm(|swarm| {
            let arrivals = swarm.members(0..self.rooms, self.members, usize::MAX);
            swarm.storm(arrivals)
        })?;
        let mut outcome = Outcome::default();
        outcome.figures.extend([
            (Figure::SecondsToAll, seconds),
            (Figure::CpuShare, stage.server.cpu()?.seconds_since(&server) / seconds),
            (Figure::GeneratorShare, Cpu::own()?.seconds_since(&own) / seconds),
            (Figure::ServerMib, stage.server.memory()?.resident as f64 / (1024.0 * 1024.0)),
        ]);
        Ok(vec![(self.case(), outcome)])
    }
}

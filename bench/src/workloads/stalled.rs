//! One of many stops reading. Nobody else may notice, and the server must not hold what it does not take.

use std::time::Duration;

use anyhow::Result;

use super::measure::{Stage, milliseconds};
use super::{Field, Outcome, Setting, Subject, Workload, count};
use crate::results::{Case, Figure, Pace};
use crate::swarm::{Load, Plan};

const POSTERS: usize = 4;
/// So much that no buffer of the system holds a minute of it.
const BYTES: usize = 1_024;
/// Who has not caught up by then will not.
const CATCHING_UP: Duration = Duration::from_secs(20);

/// `stalled/MEMBERS/PACE`.
#[derive(Debug, Clone)]
pub(super) struct Stalled {
    members: usize,
    per_second: u32,
}

impl Stalled {
    pub(super) fn parse(rest: &str) -> Option<Self> {
        let (members, pace) = rest.split_once('/')?;
        Some(Self { members: count(members)?, per_second: pace.parse().ok().filter(|&pace| pace > 0)? })
    }
}

impl Workload for Stalled {
    fn name(&self) -> String {
        format!("stalled/{}/{}", self.members, self.per_second)
    }

    fn field(&self) -> Field {
        Field::Fast
    }

    fn passes(&self) -> u32 {
        1
    }

    fn case(&self) -> Case {
        let pace = Pace::PerSecond(self.per_second);
        Case { rooms: 1, members: self.members, bytes: BYTES, pace, also: "one stalled".into() }
    }

    fn run(&self, subject: Subject<'_>, setting: &Setting) -> Result<Vec<(Case, Outcome)>> {
        let mut stage = Stage::set(subject, setting)?;
        let load = Load::Paced { per_second: self.per_second.into() };
        let plan = |duration| Plan::posting(load, BYTES, duration);
        let mut outcome = Outcome::default();
        stage.swarm(|swarm| {
            swarm.add_posters(POSTERS, 1)?;
            let arrivals = swarm.members(0..1, self.members, (self.members / 10).max(1) | 1);
            swarm.add(arrivals)?;
            swarm.settle()?;
            swarm.carry_out(plan(setting.warm_up()), |_| ())
        })?;
        let (before, ()) = stage.swarm(|swarm| swarm.carry_out(plan(setting.duration(6.0, 2.0)), |_| ()))?;
        outcome.check(&before);
        let memory = stage.server.memory()?.resident;
        let stalled = stage.swarm.stall_one()?;
        let during = stage.measure(plan(setting.duration(60.0, 8.0)), &mut outcome)?;
        let grown = stage.server.memory()?.resident as f64 - memory as f64;
        let lacks = stage.swarm(|swarm| swarm.catch_up(stalled, CATCHING_UP))?;
        outcome.faults = stage.swarm.faults();
        outcome.figures.extend([
            (Figure::P99BeforeMs, milliseconds(&before.latencies, 0.99)),
            (Figure::P99DuringMs, milliseconds(&during.latencies, 0.99)),
            (Figure::GrownMib, grown / (1024.0 * 1024.0)),
            (Figure::LostShare, lacks),
        ]);
        Ok(vec![(self.case(), outcome)])
    }
}

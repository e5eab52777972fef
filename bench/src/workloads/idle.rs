//! Many who do nothing, and one busy room beside them.

use anyhow::Result;

use super::measure::Stage;
use super::{Field, Outcome, Setting, Subject, Workload, count};
use crate::results::{Case, Figure, Pace};
use crate::swarm::{Load, Plan};

const MEMBERS: usize = 100;
const BUSY_MEMBERS: usize = 100;
const PER_SECOND: u32 = 100;
const BYTES: usize = 128;

/// `idle/CONNECTIONS`, in rooms of 100.
#[derive(Debug, Clone)]
pub(super) struct Idle {
    rooms: usize,
}

impl Idle {
    pub(super) fn parse(rest: &str) -> Option<Self> {
        Some(Self { rooms: count(rest)?.div_ceil(MEMBERS) })
    }
}

impl Workload for Idle {
    fn name(&self) -> String {
        format!("idle/{}", self.rooms * MEMBERS)
    }

    fn field(&self) -> Field {
        Field::Servers
    }

    fn case(&self) -> Case {
        Case {
            rooms: self.rooms,
            members: MEMBERS,
            bytes: 0,
            pace: Pace::Still,
            also: "just connected".into(),
        }
    }

    fn run(&self, subject: Subject<'_>, setting: &Setting) -> Result<Vec<(Case, Outcome)>> {
        let mut stage = Stage::set(subject, setting)?;
        let idle = self.rooms * MEMBERS;
        stage.swarm(|swarm| {
            swarm.add_posters(1, self.rooms + 1)?;
            swarm.settle()
        })?;
        let before = stage.server.memory()?.resident;
        let per_connection = |stage: &Stage| -> Result<Outcome> {
            let mut outcome = Outcome::default();
            let now = stage.server.memory()?.resident;
            outcome.figures.extend([
                (Figure::KibPerConnection, now.saturating_sub(before) as f64 / 1024.0 / idle as f64),
                (Figure::ServerMib, now as f64 / (1024.0 * 1024.0)),
            ]);
            Ok(outcome)
        };
        stage.swarm(|swarm| {
            let arrivals = swarm.members(0..self.rooms, MEMBERS, 101);
            swarm.add(arrivals)?;
            swarm.settle()
        })?;
        let connected = per_connection(&stage)?;

        // Who has received something once must not cost more for ever.
        let (stretch, ()) = stage.swarm(|swarm| {
            swarm.post_to(0..self.rooms / 2);
            let plan = Plan { posts_max: self.rooms as u64 / 2 * 10, ..posting(setting) };
            swarm.carry_out(plan, |_| ())
        })?;
        let mut used = per_connection(&stage)?;
        used.check(&stretch);

        stage.swarm(|swarm| {
            let arrivals = swarm.members(self.rooms..self.rooms + 1, BUSY_MEMBERS, 11);
            swarm.add(arrivals)?;
            swarm.settle()?;
            swarm.post_to(self.rooms..self.rooms + 1);
            swarm.carry_out(Plan::posting(load(), BYTES, setting.warm_up()), |_| ())
        })?;
        let mut beside = Outcome::default();
        stage.measure(posting(setting), &mut beside)?;
        let busy = Case {
            rooms: 1,
            members: BUSY_MEMBERS,
            bytes: BYTES,
            pace: Pace::PerSecond(PER_SECOND),
            also: format!("beside {idle} idle connections"),
        };
        let half = Case { also: "after half of them received ten posts".into(), ..self.case() };
        Ok(vec![(self.case(), connected), (half, used), (busy, beside)])
    }
}

fn load() -> Load {
    Load::Paced { per_second: PER_SECOND.into() }
}

fn posting(setting: &Setting) -> Plan<'static> {
    Plan::posting(load(), BYTES, setting.duration(5.0, 2.0))
}

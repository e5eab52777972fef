//! How many posts are confirmed when many are on their way at a time.

use anyhow::Result;

use super::measure::{Stage, milliseconds};
use super::{Field, Outcome, Setting, Subject, Workload, count};
use crate::results::{Case, Figure, Pace};
use crate::swarm::{Load, Plan};

/// Who posts.
const POSTERS: usize = 4;
const BYTES: usize = 128;

/// `durable/OUTSTANDING`. One member receives the room and checks what comes.
#[derive(Debug, Clone)]
pub(super) struct Durable {
    outstanding: usize,
}

impl Durable {
    pub(super) fn parse(rest: &str) -> Option<Self> {
        Some(Self { outstanding: count(rest)? })
    }
}

impl Workload for Durable {
    fn name(&self) -> String {
        format!("durable/{}", self.outstanding)
    }

    fn field(&self) -> Field {
        Field::Durable
    }

    fn case(&self) -> Case {
        let also = format!("{} outstanding", self.outstanding);
        Case { rooms: 1, members: 1, bytes: BYTES, pace: Pace::Flood, also }
    }

    fn run(&self, subject: Subject<'_>, setting: &Setting) -> Result<Vec<(Case, Outcome)>> {
        let mut stage = Stage::set(subject, setting)?;
        let load = Load::Confirmed { outstanding: self.outstanding as u64 };
        let mut outcome = Outcome::default();
        let (warm_up, ()) = stage.swarm(|swarm| {
            swarm.add_posters(POSTERS, 1)?;
            let arrivals = swarm.members(0..1, 1, 1);
            swarm.add(arrivals)?;
            swarm.settle()?;
            swarm.carry_out(Plan::posting(load, BYTES, setting.warm_up()), |_| ())
        })?;
        outcome.check(&warm_up);
        let stretch = stage.measure(Plan::posting(load, BYTES, setting.duration(8.0, 3.0)), &mut outcome)?;
        // What counts here is the confirmation, not the one delivery beside it.
        outcome.figures.retain(|figure, _| {
            matches!(figure, Figure::CpuShare | Figure::GeneratorShare | Figure::ServerMib)
        });
        outcome.figures.extend([
            (Figure::AcksPerSecond, stretch.acked as f64 / stretch.seconds),
            (Figure::P50Ms, milliseconds(&stretch.ack_latencies, 0.5)),
            (Figure::P99Ms, milliseconds(&stretch.ack_latencies, 0.99)),
            (Figure::MaxMs, milliseconds(&stretch.ack_latencies, 1.0)),
        ]);
        Ok(vec![(self.case(), outcome)])
    }
}

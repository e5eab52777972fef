//! Many come back at once, and each has missed something.

use anyhow::{Context, Result};

use super::measure::Stage;
use super::{Field, Outcome, Setting, Subject, Workload, count};
use crate::peers::teahouse::Json;
use crate::results::{Case, Figure, Pace};
use crate::swarm::{Arrival, Load, Plan};

const MEMBERS: usize = 100;
const MISSED: usize = 100;
const POSTERS: usize = 4;
const BYTES: usize = 128;

/// `reconnect/CLIENTS`, in rooms of 100.
#[derive(Debug, Clone)]
pub(super) struct Reconnect {
    rooms: usize,
}

impl Reconnect {
    pub(super) fn parse(rest: &str) -> Option<Self> {
        Some(Self { rooms: count(rest)?.div_ceil(MEMBERS) })
    }
}

impl Workload for Reconnect {
    fn name(&self) -> String {
        format!("reconnect/{}", self.rooms * MEMBERS)
    }

    fn field(&self) -> Field {
        Field::Teahouse
    }

    fn case(&self) -> Case {
        let also = format!("{MISSED} missed each");
        Case { rooms: self.rooms, members: MEMBERS, bytes: BYTES, pace: Pace::Still, also }
    }

    fn run(&self, subject: Subject<'_>, setting: &Setting) -> Result<Vec<(Case, Outcome)>> {
        let json = Json::over(subject.transport);
        let mut stage = Stage::set(subject, setting)?;
        let arrivals = |steps: &dyn Fn(usize) -> Result<Vec<crate::peer::Step>>, sampled| {
            let arrival = |index| Ok(Arrival { steps: steps(index)?, room: index % self.rooms, sampled });
            (0..self.rooms * MEMBERS).map(arrival).collect::<Result<Vec<_>>>()
        };
        let first = arrivals(&|index| Ok(json.kept_steps(&format!("m{index}"), index % self.rooms)), false)?;
        let heard = stage.swarm(|swarm| {
            swarm.add_posters(POSTERS, self.rooms)?;
            let heard = swarm.add_and_listen(first)?;
            swarm.settle()?;
            swarm.drop_receivers();
            Ok(heard)
        })?;

        // Whoever came last in a room has seen its newest event.
        let mut heads = vec![0; self.rooms];
        for (index, heard) in heard.iter().enumerate() {
            let head = field(heard, "\"head\":")?.parse().context("no head")?;
            heads[index % self.rooms] = u64::max(heads[index % self.rooms], head);
        }
        let back = arrivals(
            &|index| {
                let (token, epoch) =
                    (field(&heard[index], "\"token\":")?, field(&heard[index], "\"epoch\":")?);
                let room = index % self.rooms;
                Ok(json.returning_steps(&token, room, &epoch, heads[room]))
            },
            true,
        )?;
        // They look at what they get from before these posts on.
        let missed = (self.rooms * MISSED) as u64;
        let (stretch, seconds) = stage.swarm(|swarm| {
            let load = Load::Confirmed { outstanding: 256 };
            let plan = Plan { posts_max: missed, ..Plan::posting(load, BYTES, setting.duration(60.0, 60.0)) };
            let due = swarm.due();
            let (stretch, ()) = swarm.carry_out(plan, |_| ())?;
            let seconds = swarm.storm_from(back, &due)?;
            swarm.settle()?;
            Ok((stretch, seconds))
        })?;
        let mut outcome = Outcome::default();
        outcome.check(&stretch);
        outcome.faults = stage.swarm.faults();
        outcome.figures.extend([
            (Figure::SecondsToAll, seconds),
            (Figure::DeliveriesPerSecond, (missed * MEMBERS as u64) as f64 / seconds),
            (Figure::ServerMib, stage.server.memory()?.resident as f64 / (1024.0 * 1024.0)),
        ]);
        Ok(vec![(self.case(), outcome)])
    }
}

/// The last value of a field in what was heard.
fn field(heard: &[u8], name: &str) -> Result<String> {
    let heard = String::from_utf8_lossy(heard);
    let (_, rest) = heard.rsplit_once(name).with_context(|| format!("no {name} in {heard:?}"))?;
    let value: String =
        rest.trim_start_matches('"').chars().take_while(|c| !matches!(c, '"' | ',' | '}')).collect();
    Ok(value)
}

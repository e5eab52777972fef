//! One room or many, in which a few post and all others receive.

use anyhow::Result;

use super::measure::Stage;
use super::{Field, Outcome, Setting, Subject, Workload, count, product};
use crate::results::{Case, Pace};
use crate::swarm::{Load, Plan};

/// Who posts.
const POSTERS: usize = 4;
/// Posts on their way to the slowest sampled receiver in a flood.
const WINDOW: u64 = 4_000;
/// About how many receivers look closely in one room, and in many.
const SAMPLED: [usize; 2] = [10, 50];

/// `room/MEMBERS/BYTES/PACE` and `rooms/ROOMSxMEMBERS/BYTES/PACE`.
#[derive(Debug, Clone)]
pub(super) struct Rooms(Case);

impl Rooms {
    pub(super) fn parse_one(rest: &str) -> Option<Self> {
        let [members, bytes, pace] = rest.split('/').collect::<Vec<_>>()[..] else { return None };
        Self::parse(1, count(members)?, bytes, pace)
    }

    pub(super) fn parse_many(rest: &str) -> Option<Self> {
        let [rooms, bytes, pace] = rest.split('/').collect::<Vec<_>>()[..] else { return None };
        let (rooms, members) = product(rooms)?;
        Self::parse(rooms, members, bytes, pace)
    }

    fn parse(rooms: usize, members: usize, bytes: &str, pace: &str) -> Option<Self> {
        let pace = match pace {
            "flood" => Pace::Flood,
            pace => Pace::PerSecond(pace.parse().ok().filter(|&pace| pace > 0)?),
        };
        Some(Self(Case { rooms, members, bytes: count(bytes)?, pace, also: String::new() }))
    }

    fn is_chosen(&self) -> bool {
        self.0.rooms > 1 || (self.0.members, self.0.bytes) == (1_000, 128)
    }
}

/// How fast a case posts.
fn load(pace: Pace) -> Load {
    match pace {
        Pace::Flood => Load::Flood { window: WINDOW },
        Pace::PerSecond(posts) => Load::Paced { per_second: posts.into() },
        Pace::Still => Load::Still,
    }
}

impl Workload for Rooms {
    fn name(&self) -> String {
        let Case { rooms, members, bytes, pace, .. } = &self.0;
        let pace = match pace {
            Pace::PerSecond(posts) => posts.to_string(),
            Pace::Flood | Pace::Still => "flood".into(),
        };
        match rooms {
            1 => format!("room/{members}/{bytes}/{pace}"),
            _ => format!("rooms/{rooms}x{members}/{bytes}/{pace}"),
        }
    }

    fn field(&self) -> Field {
        if self.is_chosen() { Field::All } else { Field::Fast }
    }

    fn passes(&self) -> u32 {
        match (self.is_chosen(), self.0.rooms) {
            (true, 1) => 4,
            (true, _) => 2,
            (false, _) => 1,
        }
    }

    fn case(&self) -> Case {
        self.0.clone()
    }

    fn run(&self, subject: Subject<'_>, setting: &Setting) -> Result<Vec<(Case, Outcome)>> {
        let Case { rooms, members, bytes, pace, .. } = self.0;
        let mut stage = Stage::set(subject, setting)?;
        stage.swarm(|swarm| {
            swarm.add_posters(POSTERS, rooms)?;
            // Odd, so that it is not always the same rooms.
            let sample_every = (rooms * members / SAMPLED[usize::from(rooms > 1)]).max(1) | 1;
            let arrivals = swarm.members(0..rooms, members, sample_every);
            swarm.add(arrivals)?;
            swarm.settle()
        })?;
        let mut outcome = Outcome::default();
        let (warm_up, ()) = stage
            .swarm(|swarm| swarm.carry_out(Plan::posting(load(pace), bytes, setting.warm_up()), |_| ()))?;
        outcome.check(&warm_up);
        let seconds = if self.is_chosen() { 4.0 } else { 3.0 };
        stage.measure(Plan::posting(load(pace), bytes, setting.duration(seconds, 2.0)), &mut outcome)?;
        Ok(vec![(self.case(), outcome)])
    }
}

//! Many rooms on a machine that others use too.

use anyhow::Result;
use clap::ValueEnum;

use super::rooms::Rooms;
use super::{Field, Outcome, Setting, Subject, Workload};
use crate::neighbour::Neighbour;
use crate::results::Case;

/// `beside/NEIGHBOUR/ROOMSxMEMBERS/BYTES/PACE`.
#[derive(Debug, Clone)]
pub(super) struct Beside {
    neighbour: Neighbour,
    rooms: Rooms,
}

impl Beside {
    pub(super) fn parse(rest: &str) -> Option<Self> {
        let (neighbour, rooms) = rest.split_once('/')?;
        let neighbour = Neighbour::from_str(neighbour, false).ok()?;
        Some(Self { neighbour, rooms: Rooms::parse_many(rooms)? })
    }

    fn beside(&self, mut case: Case) -> Case {
        case.also = self.neighbour.words().into();
        case
    }
}

impl Workload for Beside {
    fn name(&self) -> String {
        let neighbour = self.neighbour.to_possible_value().expect("every neighbour has a name");
        let rooms = self.rooms.name();
        format!("beside/{}/{}", neighbour.get_name(), rooms.trim_start_matches("rooms/"))
    }

    fn field(&self) -> Field {
        Field::Fast
    }

    fn case(&self) -> Case {
        self.beside(self.rooms.case())
    }

    fn run(&self, subject: Subject<'_>, setting: &Setting) -> Result<Vec<(Case, Outcome)>> {
        let mut neighbour = self.neighbour.start(&setting.place, setting.cores)?;
        let outcomes = self.rooms.run(subject, setting)?;
        neighbour.check()?;
        Ok(outcomes.into_iter().map(|(case, outcome)| (self.beside(case), outcome)).collect())
    }
}

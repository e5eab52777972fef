//! What servers are put through.

mod beside;
mod connect;
mod durable;
mod history;
mod idle;
mod measure;
mod reconnect;
mod rooms;
mod stalled;

use std::path::PathBuf;

use anyhow::Result;

use crate::cores::Cores;
use crate::peer::{Peer, Transport};
use crate::peers::teahouse::Teahouse;
use crate::results::Case;

pub use measure::Outcome;

/// How and where all workloads run.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Which core runs what.
    pub cores: Cores,
    /// A folder on the disk, in which each server gets its own.
    pub place: PathBuf,
    /// Whether to be short.
    pub quick: bool,
    /// How long a measured stretch posts, in seconds; without it as long as the workload finds right.
    pub seconds: Option<f64>,
    /// Teahouse, for what only it can do, and the one that it is compared with.
    pub teahouses: Vec<Teahouse>,
}

/// A server behind one of its doors.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The server.
    pub peer: &'a dyn Peer,
    /// The door.
    pub transport: Transport,
}

/// Who takes part in a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Everybody.
    All,
    /// The floor, and the peers that come near: those for which a table of sizes makes sense.
    Fast,
    /// Who knows who is connected, so not the floor.
    Servers,
    /// Whose confirmations come after fsync.
    Durable,
    /// Teahouse alone.
    Teahouse,
}

/// A load with its sizes.
pub trait Workload {
    /// What it is called on the command line: `room/1000/128/flood`.
    fn name(&self) -> String;

    /// Who takes part.
    fn field(&self) -> Field;

    /// How often everybody is run in a full run: there, back, there again and so on. A quick one goes there only.
    fn passes(&self) -> u32 {
        2
    }

    /// What it is in the results. Runs that fail are noted under this case.
    fn case(&self) -> Case;

    /// Puts one server through it. One run may show several cases.
    fn run(&self, subject: Subject<'_>, setting: &Setting) -> Result<Vec<(Case, Outcome)>>;
}

/// What a run of the bench goes through.
pub fn all(quick: bool) -> Vec<Box<dyn Workload>> {
    const CHOSEN: [&str; 6] = [
        "room/1000/128/flood",
        "room/1000/128/100",
        "room/1000/128/500",
        "rooms/1000x10/128/5000",
        "idle/10000",
        "connect/100x100",
    ];
    const ALONE: [&str; 4] = ["reconnect/2000", "durable/256", "history/1000000", "stalled/1000/150"];
    const SIZES: [&str; 12] = [
        "room/10/128/flood",
        "room/10/128/100",
        "room/100/128/flood",
        "room/100/128/100",
        "room/5000/128/flood",
        "room/5000/128/100",
        "room/1000/64/flood",
        "room/1000/64/100",
        "room/1000/256/flood",
        "room/1000/256/100",
        "room/1000/1024/flood",
        "room/1000/1024/100",
    ];
    const BESIDE: [&str; 2] = ["beside/disk/1000x10/128/5000", "beside/hog/1000x10/128/5000"];
    let (beside, more) = if quick { (&[][..], &[][..]) } else { (&BESIDE[..], &SIZES[..]) };
    CHOSEN.iter().chain(beside).chain(&ALONE).chain(more).filter_map(|name| parse(name)).collect()
}

/// The workload with a name, whether it is among [`all`] or not.
pub fn parse(name: &str) -> Option<Box<dyn Workload>> {
    let (kind, rest) = name.split_once('/')?;
    Some(match kind {
        "beside" => Box::new(beside::Beside::parse(rest)?),
        "room" => Box::new(rooms::Rooms::parse_one(rest)?),
        "rooms" => Box::new(rooms::Rooms::parse_many(rest)?),
        "idle" => Box::new(idle::Idle::parse(rest)?),
        "connect" => Box::new(connect::Connect::parse(rest)?),
        "reconnect" => Box::new(reconnect::Reconnect::parse(rest)?),
        "durable" => Box::new(durable::Durable::parse(rest)?),
        "history" => Box::new(history::History::parse(rest)?),
        "stalled" => Box::new(stalled::Stalled::parse(rest)?),
        _ => return None,
    })
}

/// A number of which there must be at least one.
fn count(text: &str) -> Option<usize> {
    text.parse().ok().filter(|&count| count > 0)
}

/// `1000x10`
fn product(text: &str) -> Option<(usize, usize)> {
    let (one, other) = text.split_once('x')?;
    Some((count(one)?, count(other)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_is_found_under_its_name() {
        for quick in [false, true] {
            for workload in all(quick) {
                let name = workload.name();
                assert_eq!(parse(&name).map(|found| found.name()), Some(name));
            }
        }
        assert_eq!(all(true).len(), 10);
        assert_eq!(all(false).len(), 24);
    }

    #[test]
    fn what_is_no_workload_is_none() {
        for name in [
            "",
            "room",
            "beside/nobody/1000x10/128/5000",
            "room/0/128/flood",
            "room/10/128",
            "room/10/128/0",
            "rooms/10/128/5",
            "idle/x",
        ] {
            assert!(parse(name).is_none(), "{name}");
        }
    }
}

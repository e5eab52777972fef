//! Looks into the results: which servers ran a case, what they reached, and ratios between them.

use std::collections::BTreeSet;

use crate::pairs::{Spread, ratios};
use crate::peer::{Durability, Transport};
use crate::results::{Better, Case, Figure, Results, Run};

/// The name under which Teahouse takes part.
pub const TEAHOUSE: &str = "teahouse";
/// The name under which the Teahouse takes part that it is compared with.
pub const BEFORE: &str = "teahouse-before";
/// The name under which the floor takes part.
pub const FLOOR: &str = "floor";

/// A server behind one of its doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject<'a> {
    /// The server's name.
    pub peer: &'a str,
    /// How its clients reach it.
    pub transport: Transport,
}

/// The runs of one case of one workload.
#[derive(Debug, Clone)]
pub struct Field<'a> {
    /// The case.
    pub case: &'a Case,
    runs: Vec<&'a Run>,
}

impl<'a> Field<'a> {
    /// The fields of a workload, in the order in which they were run first.
    pub fn all(results: &'a Results, workload: &str) -> Vec<Self> {
        let mut fields: Vec<Self> = Vec::new();
        for run in results.runs.iter().filter(|run| run.workload == workload) {
            match fields.iter_mut().find(|field| *field.case == run.case) {
                Some(field) => field.runs.push(run),
                None => fields.push(Self { case: &run.case, runs: vec![run] }),
            }
        }
        fields
    }

    /// Who took part: Teahouse, the one before it, the others, the floor.
    pub fn subjects(&self) -> Vec<Subject<'a>> {
        let mut subjects: Vec<Subject<'a>> = Vec::new();
        for run in &self.runs {
            let subject = Subject { peer: &run.peer, transport: run.transport };
            if !subjects.contains(&subject) {
                subjects.push(subject);
            }
        }
        // Stable, so that the others stay as they were given.
        subjects.sort_by_key(|subject| match subject.peer {
            TEAHOUSE => 0,
            BEFORE => 1,
            FLOOR => 3,
            _ => 2,
        });
        subjects
    }

    /// What was measured of anybody.
    pub fn figures(&self) -> BTreeSet<Figure> {
        self.runs.iter().flat_map(|run| run.figures.keys().copied()).collect()
    }

    /// All runs of one server.
    pub fn runs_of(&self, subject: Subject<'a>) -> impl Iterator<Item = &'a Run> {
        self.runs
            .iter()
            .copied()
            .filter(move |run| run.peer == subject.peer && run.transport == subject.transport)
    }

    /// What one server's confirmations or deliveries mean.
    pub fn durability(&self, subject: Subject<'a>) -> Option<Durability> {
        self.runs_of(subject).map(|run| run.durability).next()
    }

    fn by_round(&self, subject: Subject<'a>, figure: Figure) -> impl Iterator<Item = (u32, f64)> {
        self.runs_of(subject)
            .filter(|run| run.failure.is_none())
            .filter_map(move |run| Some((run.round, *run.figures.get(&figure)?)))
    }

    /// What one server reached.
    pub fn reached(&self, subject: Subject<'a>, figure: Figure) -> Option<Spread> {
        Spread::of(self.by_round(subject, figure).map(|(_, value)| value))
    }

    /// One server's figure by another's, round by round.
    pub fn ratio(&self, ours: Subject<'a>, theirs: Subject<'a>, figure: Figure) -> Option<Spread> {
        Spread::of(ratios(self.by_round(ours, figure), self.by_round(theirs, figure)))
    }

    /// The best of those that others have made, in whatever class of durability.
    pub fn best_of_others(&self, figure: Figure) -> Option<(Subject<'a>, Spread)> {
        self.subjects()
            .into_iter()
            .filter(|subject| ![TEAHOUSE, BEFORE, FLOOR].contains(&subject.peer))
            .filter_map(|subject| Some((subject, self.reached(subject, figure)?)))
            .min_by(|(_, one), (_, other)| match figure.better() {
                Better::More => other.median.total_cmp(&one.median),
                Better::Less => one.median.total_cmp(&other.median),
            })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::machine::{Fsync, Machine};
    use crate::results::Pace;

    /// A run of a room of a thousand in flood.
    pub(crate) fn run(peer: &str, transport: Transport, round: u32, deliveries: f64) -> Run {
        let durability = if peer == TEAHOUSE { Durability::Synced } else { Durability::Memory };
        Run {
            workload: "room".into(),
            case: Case { rooms: 1, members: 1_000, bytes: 128, pace: Pace::Flood, also: String::new() },
            peer: peer.into(),
            transport,
            durability,
            round,
            figures: BTreeMap::from([(Figure::DeliveriesPerCpuSecond, deliveries)]),
            missing: 0,
            doubled: 0,
            reordered: 0,
            failure: None,
        }
    }

    /// What such runs make.
    pub(crate) fn results(runs: Vec<Run>) -> Results {
        Results {
            machine: Machine {
                cores: 2,
                model: "A Core".into(),
                memory_mib: 4_096,
                kernel: "Linux 6".into(),
                system: "Debian".into(),
                file_system: "ext4 (rw)".into(),
                fsync: Fsync { p50_ms: 0.5, p99_ms: 2.0 },
                fsync_without_pause: Fsync { p50_ms: 0.1, p99_ms: 0.2 },
            },
            date: "2026-11-22".into(),
            command: "cargo xtask bench".into(),
            quick: false,
            versions: BTreeMap::from([("bun".into(), "1.4.5".into())]),
            left_out: BTreeMap::new(),
            runs,
        }
    }

    #[test]
    fn the_best_of_others_is_neither_us_nor_the_floor() {
        let results = results(vec![
            run(FLOOR, Transport::Tcp, 0, 11e6),
            run("nats", Transport::Tcp, 0, 1.7e6),
            run("bun", Transport::WebSocket, 0, 4e6),
            run("bun", Transport::WebSocket, 1, 4.4e6),
            run(BEFORE, Transport::Tcp, 0, 5e6),
            run(TEAHOUSE, Transport::Tcp, 0, 6e6),
        ]);
        let fields = Field::all(&results, "room");
        assert_eq!(fields.len(), 1);
        let names: Vec<&str> = fields[0].subjects().iter().map(|subject| subject.peer).collect();
        assert_eq!(names, [TEAHOUSE, BEFORE, "nats", "bun", FLOOR]);
        let (best, spread) = fields[0].best_of_others(Figure::DeliveriesPerCpuSecond).unwrap();
        assert_eq!((best.peer, spread.n), ("bun", 2));
        let ours = Subject { peer: TEAHOUSE, transport: Transport::Tcp };
        // The second round lacks ours.
        assert_eq!(fields[0].ratio(ours, best, Figure::DeliveriesPerCpuSecond).unwrap().median, 1.5);
    }

    #[test]
    fn a_run_that_failed_has_no_figures() {
        let mut failed = run("bun", Transport::WebSocket, 0, 9e6);
        failed.failure = Some("it died".into());
        let results = results(vec![failed]);
        assert_eq!(Field::all(&results, "room")[0].best_of_others(Figure::DeliveriesPerCpuSecond), None);
    }
}

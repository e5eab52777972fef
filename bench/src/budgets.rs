//! What the design promises, as data, and whether a run kept it.

use crate::browser::{self, BrowserBudget};
use crate::comparison::{FLOOR, Field, Subject, TEAHOUSE};
use crate::machine::Fsync;
use crate::neighbour::Neighbour;
use crate::pairs::Spread;
use crate::peer::Transport;
use crate::results::{Better, Case, Figure, Pace, Results};

/// A promise of the design.
#[derive(Debug)]
pub struct Budget {
    /// What is promised something of.
    pub what: &'static str,
    /// Where its figure comes from.
    pub source: Source,
}

/// Where the figure of a budget comes from.
#[derive(Debug)]
pub enum Source {
    /// A workload of this bench.
    Here {
        /// Its name.
        workload: &'static str,
        /// The case in it.
        case: CaseOf,
        /// The figure of that.
        figure: Figure,
        /// What it must keep to.
        bound: Bound,
    },
    /// The client in a browser.
    Browser(&'static BrowserBudget),
    /// Nowhere yet: the budget, and why there is no figure.
    Elsewhere(&'static str, &'static str),
}

/// What a [`Case`] must be; 0 and `None` where it does not matter.
#[derive(Debug)]
pub struct CaseOf {
    rooms: usize,
    members: usize,
    bytes: Option<usize>,
    pace: Option<Pace>,
    also: Option<&'static str>,
}

/// What a figure must keep to.
#[derive(Debug, Clone, Copy)]
pub enum Bound {
    /// A number to reach.
    AtLeast(f64),
    /// A number not to exceed, over TCP and over WebSocket.
    AtMost(f64, f64),
    /// A share of what the floor reaches in the same run.
    ShareOfFloor(f64),
    /// What a peer takes in the same run, and one fsync.
    PeerAndFsync(&'static str, fn(Fsync) -> f64),
}

const ANY: CaseOf = CaseOf { rooms: 0, members: 0, bytes: None, pace: None, also: None };

const fn room(members: usize, pace: Pace) -> CaseOf {
    CaseOf { rooms: 1, members, bytes: Some(128), pace: Some(pace), also: Some("") }
}

const fn here(
    what: &'static str,
    workload: &'static str,
    case: CaseOf,
    figure: Figure,
    bound: Bound,
) -> Budget {
    Budget { what, source: Source::Here { workload, case, figure, bound } }
}

const fn in_browser(what: &'static str, budget: &'static BrowserBudget) -> Budget {
    Budget { what, source: Source::Browser(budget) }
}

const fn elsewhere(what: &'static str, budget: &'static str, place: &'static str) -> Budget {
    Budget { what, source: Source::Elsewhere(budget, place) }
}

/// All of them, as the design lists them.
pub static BUDGETS: &[Budget] = &[
    here(
        "a room of 1,000, flood: deliveries per server-CPU-second",
        "room",
        room(1_000, Pace::Flood),
        Figure::DeliveriesPerCpuSecond,
        Bound::AtLeast(5e6),
    ),
    here(
        "a room of 1,000 at 100 posts/s: deliveries per server-CPU-second",
        "room",
        room(1_000, Pace::PerSecond(100)),
        Figure::DeliveriesPerCpuSecond,
        Bound::ShareOfFloor(0.9),
    ),
    here(
        "a room of 1,000 at 100 posts/s: p50 from intended send to receipt",
        "room",
        room(1_000, Pace::PerSecond(100)),
        Figure::P50Ms,
        Bound::PeerAndFsync("bun", |fsync| fsync.p50_ms),
    ),
    here(
        "a room of 1,000 at 100 posts/s: p99 of the same",
        "room",
        room(1_000, Pace::PerSecond(100)),
        Figure::P99Ms,
        Bound::PeerAndFsync("bun", |fsync| fsync.p99_ms),
    ),
    here(
        "a room of 1,000 at 500 posts/s: p99 of the same",
        "room",
        room(1_000, Pace::PerSecond(500)),
        Figure::P99Ms,
        Bound::AtMost(20.0, 20.0),
    ),
    here(
        "1,000 rooms of 10, 5,000 posts/s: deliveries per server-CPU-second",
        "rooms",
        CaseOf { rooms: 1_000, ..room(10, Pace::PerSecond(5_000)) },
        Figure::DeliveriesPerCpuSecond,
        Bound::ShareOfFloor(0.9),
    ),
    here(
        "the same: p99 from intended send to receipt",
        "rooms",
        CaseOf { rooms: 1_000, ..room(10, Pace::PerSecond(5_000)) },
        Figure::P99Ms,
        Bound::AtMost(20.0, 20.0),
    ),
    here(
        "the same beside a program that writes with O_DSYNC: p99",
        "beside",
        CaseOf { rooms: 1_000, also: Some(Neighbour::Disk.words()), ..room(10, Pace::PerSecond(5_000)) },
        Figure::P99Ms,
        Bound::AtMost(20.0, 20.0),
    ),
    here(
        "the same beside one at nice 10 that never sleeps on the server's core: p99",
        "beside",
        CaseOf { rooms: 1_000, also: Some(Neighbour::Hog.words()), ..room(10, Pace::PerSecond(5_000)) },
        Figure::P99Ms,
        Bound::AtMost(30.0, 30.0),
    ),
    here(
        "durable posts acknowledged per second, 256 outstanding",
        "durable",
        CaseOf { also: Some("256 outstanding"), ..room(0, Pace::Flood) },
        Figure::AcksPerSecond,
        Bound::AtLeast(40e3),
    ),
    here(
        "server memory per idle connection, just connected",
        "idle",
        ANY,
        Figure::KibPerConnection,
        Bound::AtMost(3.0, 4.0),
    ),
    here(
        "server memory per idle connection, after half of them received ten posts",
        "idle",
        CaseOf { also: Some("after half of them received ten posts"), ..ANY },
        Figure::KibPerConnection,
        Bound::AtMost(3.0, 4.0),
    ),
    here(
        "10,000 clients connecting at once: until all are in their rooms",
        "connect",
        ANY,
        Figure::SecondsToAll,
        Bound::AtMost(5.0, 5.0),
    ),
    here(
        "a room of 1,000,000 messages: open it",
        "history",
        CaseOf { also: Some("alone"), ..ANY },
        Figure::OpenMs,
        Bound::AtMost(50.0, 50.0),
    ),
    here(
        "a room of 1,000,000 messages: a page of its history, p99",
        "history",
        CaseOf { also: Some("alone"), ..ANY },
        Figure::PageP99Ms,
        Bound::AtMost(5.0, 5.0),
    ),
    elsewhere("a room of 1,000,000 messages: a search in it", "50 ms", "the server has no search yet"),
    in_browser("browser client: wasm, js and css after brotli", &browser::DOWNLOAD),
    in_browser("browser, 100 messages/s arriving: work between a key and its echo, p99", &browser::ECHO),
    in_browser("browser, scrolling through 100,000 messages: work of a frame, p99", &browser::SCROLL),
    in_browser("the same: what stands in the page at most", &browser::DOM),
];

impl CaseOf {
    /// Whether this is such a case.
    fn is(&self, case: &Case) -> bool {
        (self.rooms == 0 || self.rooms == case.rooms)
            && (self.members == 0 || self.members == case.members)
            && self.bytes.is_none_or(|bytes| bytes == case.bytes)
            && self.pace.is_none_or(|pace| pace == case.pace)
            && self.also.is_none_or(|also| also == case.also)
    }
}

/// How one budget stands behind one door.
#[derive(Debug)]
pub struct Standing<'a> {
    /// The door; `None` where nothing was measured.
    pub transport: Option<Transport>,
    /// What Teahouse reached.
    pub ours: Option<Spread>,
    /// The budget in words, with the number that it came to in this run.
    pub bound: String,
    /// Whether it was kept; `None` where that cannot be said.
    pub kept: Option<bool>,
    /// The best of the others.
    pub best: Option<(Subject<'a>, Spread)>,
    /// Ours by the floor's.
    pub by_floor: Option<Spread>,
}

impl Budget {
    /// The field that the budget is about, where it was run.
    pub fn field<'a>(&self, results: &'a Results) -> Option<(Field<'a>, Figure)> {
        let Source::Here { workload, case, figure, .. } = &self.source else { return None };
        let field = Field::all(results, workload).into_iter().find(|field| case.is(field.case))?;
        Some((field, *figure))
    }

    /// How it stands, behind each door that was measured.
    pub fn standings<'a>(&self, results: &'a Results) -> Vec<Standing<'a>> {
        let nothing = |bound: String| {
            vec![Standing { transport: None, ours: None, bound, kept: None, best: None, by_floor: None }]
        };
        let (figure, bound) = match &self.source {
            Source::Elsewhere(budget, _) => return nothing((*budget).into()),
            Source::Browser(budget) => return nothing(budget.bound.into()),
            Source::Here { figure, bound, .. } => (*figure, *bound),
        };
        let Some((field, _)) = self.field(results) else { return nothing(bound.words(figure)) };
        let best = field.best_of_others(figure);
        let ours = field.subjects().into_iter().filter(|subject| subject.peer == TEAHOUSE);
        let standings: Vec<Standing<'a>> = ours
            .map(|subject| {
                let by_floor =
                    field.ratio(subject, Subject { peer: FLOOR, transport: Transport::Tcp }, figure);
                let ours = field.reached(subject, figure);
                let (bound, kept) = bound.judge(figure, &field, subject, results.machine.fsync);
                Standing { transport: Some(subject.transport), ours, bound, kept, best, by_floor }
            })
            .collect();
        if standings.is_empty() { nothing(bound.words(figure)) } else { standings }
    }
}

impl Bound {
    fn words(self, figure: Figure) -> String {
        match self {
            Self::AtLeast(number) => figure.shown(number),
            Self::AtMost(tcp, websocket) if tcp == websocket => figure.shown(tcp),
            Self::AtMost(tcp, websocket) => {
                format!("{} TCP, {} WebSocket", figure.shown(tcp), figure.shown(websocket))
            }
            Self::ShareOfFloor(share) => format!("{:.0} % of the floor", share * 100.0),
            Self::PeerAndFsync(peer, _) => format!("{peer}'s plus one fsync"),
        }
    }

    fn judge(
        self,
        figure: Figure,
        field: &Field<'_>,
        subject: Subject<'_>,
        fsync: Fsync,
    ) -> (String, Option<bool>) {
        let Some(ours) = field.reached(subject, figure).map(|spread| spread.median) else {
            return (self.words(figure), None);
        };
        let keeps = |limit: f64| match figure.better() {
            Better::More => ours >= limit,
            Better::Less => ours <= limit,
        };
        match self {
            Self::AtLeast(number) => (figure.shown(number), Some(keeps(number))),
            Self::AtMost(tcp, websocket) => {
                let limit = if subject.transport == Transport::Tcp { tcp } else { websocket };
                (figure.shown(limit), Some(keeps(limit)))
            }
            Self::ShareOfFloor(share) => {
                let floor = Subject { peer: FLOOR, transport: Transport::Tcp };
                let kept = field.ratio(subject, floor, figure).map(|ratio| ratio.median >= share);
                (self.words(figure), kept)
            }
            Self::PeerAndFsync(peer, part) => {
                let theirs = field
                    .subjects()
                    .into_iter()
                    .filter(|subject| subject.peer == peer)
                    .filter_map(|subject| field.reached(subject, figure))
                    .map(|spread| spread.median)
                    .min_by(f64::total_cmp);
                let Some(theirs) = theirs else { return (self.words(figure), None) };
                let limit = theirs + part(fsync);
                (format!("{} ({})", self.words(figure), figure.shown(limit)), Some(keeps(limit)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::tests::{results, run};

    fn standing(what: &str, runs: Vec<crate::results::Run>) -> (String, Option<bool>) {
        let results = results(runs);
        let budget = BUDGETS.iter().find(|budget| budget.what.contains(what)).unwrap();
        let standings = budget.standings(&results);
        assert_eq!(standings.len(), 1);
        (standings[0].bound.clone(), standings[0].kept)
    }

    #[test]
    fn a_number_is_reached_or_not() {
        let flood = |deliveries| vec![run(TEAHOUSE, Transport::Tcp, 0, deliveries)];
        assert_eq!(standing("flood", flood(5e6)), ("5.00 M".into(), Some(true)));
        assert_eq!(standing("flood", flood(4.9e6)).1, Some(false));
        assert_eq!(standing("flood", vec![]).1, None);
    }

    #[test]
    fn a_share_of_the_floor_is_that_of_the_same_round() {
        let paced = |peer: &str, round, deliveries| {
            let mut run = run(peer, Transport::Tcp, round, deliveries);
            run.case.pace = Pace::PerSecond(100);
            run
        };
        let runs = vec![
            paced(TEAHOUSE, 0, 91.0),
            paced(FLOOR, 0, 100.0),
            paced(TEAHOUSE, 1, 46.0),
            paced(FLOOR, 1, 50.0),
        ];
        assert_eq!(standing("100 posts/s: deliveries", runs), ("90 % of the floor".into(), Some(true)));
        assert_eq!(standing("100 posts/s: deliveries", vec![paced(TEAHOUSE, 0, 91.0)]).1, None);
    }

    #[test]
    fn a_peer_and_one_fsync() {
        let late = |peer: &str, transport, ms| {
            let mut run = run(peer, transport, 0, 1.0);
            run.case.pace = Pace::PerSecond(100);
            run.figures = [(Figure::P99Ms, ms)].into();
            run
        };
        let runs = |ms| vec![late(TEAHOUSE, Transport::Tcp, ms), late("bun", Transport::WebSocket, 8.0)];
        assert_eq!(
            standing("posts/s: p99", runs(10.0)),
            ("bun's plus one fsync (10.0 ms)".into(), Some(true))
        );
        assert_eq!(standing("posts/s: p99", runs(10.1)).1, Some(false));
    }

    #[test]
    fn memory_has_a_budget_for_each_door() {
        let idle = |transport, kib| {
            let mut run = run(TEAHOUSE, transport, 0, 1.0);
            run.workload = "idle".into();
            run.case.pace = Pace::Still;
            run.case.also = "just connected".into();
            run.figures = [(Figure::KibPerConnection, kib)].into();
            run
        };
        assert_eq!(
            standing("just connected", vec![idle(Transport::Tcp, 3.5)]),
            ("3.00 KiB".into(), Some(false))
        );
        assert_eq!(
            standing("just connected", vec![idle(Transport::WebSocket, 3.5)]),
            ("4.00 KiB".into(), Some(true))
        );
    }
}

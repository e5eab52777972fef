//! The figures of a run as plain data, from which the report can be made again.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;
use crate::peer::{Durability, Transport};

/// Everything that one start of the bench has found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Where it ran.
    pub machine: Machine,
    /// When it began, in UTC.
    pub date: String,
    /// How it was started.
    pub command: String,
    /// Whether it was the short form, whose figures are rough.
    pub quick: bool,
    /// What took part, by the peers' names, with its version.
    pub versions: BTreeMap<String, String>,
    /// Which peers did not take part, and why.
    pub left_out: BTreeMap<String, String>,
    /// What was measured, in the order of time.
    pub runs: Vec<Run>,
}

/// One server under one load, once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The workload's name: `room`, `idle`.
    pub workload: String,
    /// What exactly it was.
    pub case: Case,
    /// The server's name.
    pub peer: String,
    /// How its clients reached it.
    pub transport: Transport,
    /// What a confirmation or delivery of this server means.
    pub durability: Durability,
    /// Runs of the same case and round stand beside each other in time.
    pub round: u32,
    /// What was measured.
    pub figures: BTreeMap<Figure, f64>,
    /// Deliveries that the sampled receivers lack.
    pub missing: u64,
    /// Deliveries that they got twice.
    pub doubled: u64,
    /// Deliveries that came after a later one of the same poster.
    pub reordered: u64,
    /// Why there are no figures, or why they mean nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A load. Only runs of equal cases are compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Case {
    /// How many rooms there are.
    pub rooms: usize,
    /// How many receive what is posted in each.
    pub members: usize,
    /// The size of a post.
    pub bytes: usize,
    /// How fast posts are meant to come.
    pub pace: Pace,
    /// What else tells this case from others: `256 outstanding`. May be empty.
    pub also: String,
}

/// How fast posts are meant to come, in all rooms together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// Nobody posts.
    Still,
    /// So many a second.
    PerSecond(u32),
    /// As fast as they are delivered.
    Flood,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Deliveries for each second of CPU that the server used.
    DeliveriesPerCpuSecond,
    /// Deliveries for each second of the clock.
    DeliveriesPerSecond,
    /// Confirmed posts for each second of the clock.
    AcksPerSecond,
    /// Half of the deliveries took at most this long, from when the post was meant to go to its receipt.
    P50Ms,
    /// All but one in a hundred did.
    P99Ms,
    /// The longest took this long.
    MaxMs,
    /// The share of its core that the server used.
    CpuShare,
    /// The server's memory at the end.
    ServerMib,
    /// The server's memory for each idle connection.
    KibPerConnection,
    /// The time until all clients were in.
    SecondsToAll,
    /// The time from asking to open a room until its newest page is there.
    OpenMs,
    /// The time from asking for a page to having it: half of them.
    PageP50Ms,
    /// The same: all but one in a hundred.
    PageP99Ms,
    /// The other receivers' p99 before one of them stopped reading.
    P99BeforeMs,
    /// The other receivers' p99 while one of them did not read.
    P99DuringMs,
    /// What the server's memory grew by while one of them did not read.
    GrownMib,
    /// The share of its core that the generator used.
    GeneratorShare,
    /// Deliveries in one read of a receiver.
    DeliveriesPerRead,
    /// Deliveries in one `write` of the server, where it can be had.
    DeliveriesPerWrite,
    /// The share of all posts that a receiver that had stopped reading lacks in the end.
    LostShare,
}

/// Which way a figure is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Higher is better.
    More,
    /// Lower is better.
    Less,
}

impl Figure {
    /// The heading of its column.
    pub fn heading(self) -> &'static str {
        match self {
            Self::DeliveriesPerCpuSecond => "deliveries per server-CPU-second",
            Self::DeliveriesPerSecond => "deliveries/s",
            Self::AcksPerSecond => "acknowledged/s",
            Self::P50Ms => "p50",
            Self::P99Ms => "p99",
            Self::MaxMs => "max",
            Self::CpuShare => "server CPU",
            Self::ServerMib => "server memory",
            Self::KibPerConnection => "memory per connection",
            Self::SecondsToAll => "until all are in",
            Self::OpenMs => "open",
            Self::PageP50Ms => "page p50",
            Self::PageP99Ms => "page p99",
            Self::P99BeforeMs => "p99 before",
            Self::P99DuringMs => "p99 during",
            Self::GrownMib => "memory grown",
            Self::GeneratorShare => "generator CPU",
            Self::DeliveriesPerRead => "deliveries/read",
            Self::DeliveriesPerWrite => "deliveries/write",
            Self::LostShare => "the stalled one lacks",
        }
    }

    /// Which way it is good.
    pub fn better(self) -> Better {
        match self {
            Self::DeliveriesPerCpuSecond
            | Self::DeliveriesPerSecond
            | Self::AcksPerSecond
            | Self::DeliveriesPerRead
            | Self::DeliveriesPerWrite => Better::More,
            _ => Better::Less,
        }
    }

    /// The figure for people, with its unit.
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::DeliveriesPerCpuSecond | Self::DeliveriesPerSecond | Self::AcksPerSecond => count(value),
            Self::DeliveriesPerRead | Self::DeliveriesPerWrite => short(value),
            Self::CpuShare | Self::GeneratorShare | Self::LostShare => format!("{:.0} %", value * 100.0),
            Self::ServerMib | Self::GrownMib => format!("{} MiB", short(value)),
            Self::KibPerConnection => format!("{} KiB", short(value)),
            Self::SecondsToAll => format!("{} s", short(value)),
            _ => format!("{} ms", short(value)),
        }
    }
}

/// `1.2`, `12`, `1,234`: three digits tell enough.
fn short(value: f64) -> String {
    match value.abs() {
        magnitude if magnitude < 10.0 => format!("{value:.2}"),
        magnitude if magnitude < 100.0 => format!("{value:.1}"),
        _ => grouped(value.round() as i64),
    }
}

/// `4.21 M`, `139 k`, `812`.
fn count(value: f64) -> String {
    match value {
        value if value >= 999_500.0 => format!("{:.2} M", value / 1e6),
        value if value >= 9_950.0 => format!("{:.0} k", value / 1e3),
        value => grouped(value.round() as i64),
    }
}

/// `12,345`
pub(crate) fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::from(if value < 0 { "-" } else { "" });
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |number: usize| grouped(i64::try_from(number).unwrap_or(i64::MAX));
        write!(f, "{} {}", whole(self.rooms), if self.rooms == 1 { "room" } else { "rooms" })?;
        write!(f, " × {}", whole(self.members))?;
        match self.pace {
            Pace::Still => {}
            Pace::PerSecond(posts) => write!(f, ", {} posts/s", grouped(posts.into()))?,
            Pace::Flood => f.write_str(", flood")?,
        }
        if self.pace != Pace::Still {
            write!(f, ", {} bytes", whole(self.bytes))?;
        }
        if !self.also.is_empty() {
            write!(f, ", {}", self.also)?;
        }
        Ok(())
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::WebSocket => "WebSocket",
        })
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Written => "written",
            Self::Synced => "fsync",
        })
    }
}

impl Run {
    /// Whether every post came exactly once and in order, and the run was carried through.
    pub fn is_sound(&self) -> bool {
        self.failure.is_none() && self.missing + self.doubled + self.reordered == 0
    }
}

impl Results {
    /// Reads `results.json`.
    pub fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not the bench's", path.display()))
    }

    /// Writes `results.json`.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_a_unit() {
        assert_eq!(Figure::DeliveriesPerCpuSecond.shown(4_213_000.0), "4.21 M");
        assert_eq!(Figure::DeliveriesPerCpuSecond.shown(139_400.0), "139 k");
        assert_eq!(Figure::AcksPerSecond.shown(4_096.2), "4,096");
        assert_eq!(Figure::P99Ms.shown(8.216), "8.22 ms");
        assert_eq!(Figure::P99Ms.shown(12_345.0), "12,345 ms");
        assert_eq!(Figure::KibPerConnection.shown(23.46), "23.5 KiB");
        assert_eq!(Figure::CpuShare.shown(0.416), "42 %");
        assert_eq!(Figure::GrownMib.shown(-1.5), "-1.50 MiB");
    }

    #[test]
    fn a_case_says_what_it_is() {
        let mut case = Case { rooms: 1, members: 1_000, bytes: 128, pace: Pace::Flood, also: String::new() };
        assert_eq!(case.to_string(), "1 room × 1,000, flood, 128 bytes");
        case = Case { rooms: 1_000, members: 10, pace: Pace::PerSecond(5_000), ..case };
        assert_eq!(case.to_string(), "1,000 rooms × 10, 5,000 posts/s, 128 bytes");
        case =
            Case { rooms: 1, members: 10_000, pace: Pace::Still, also: "half of them posted".into(), ..case };
        assert_eq!(case.to_string(), "1 room × 10,000, half of them posted");
    }

    #[test]
    fn results_come_back_from_their_file() {
        let run = Run {
            workload: "room".into(),
            case: Case { rooms: 1, members: 10, bytes: 64, pace: Pace::PerSecond(100), also: String::new() },
            peer: "teahouse".into(),
            transport: Transport::WebSocket,
            durability: Durability::Synced,
            round: 0,
            figures: BTreeMap::from([(Figure::P99Ms, 8.25)]),
            missing: 0,
            doubled: 0,
            reordered: 0,
            failure: None,
        };
        let text = serde_json::to_string(&run).unwrap();
        assert!(text.contains(r#""figures":{"p99_ms":8.25}"#), "{text}");
        assert_eq!(serde_json::from_str::<Run>(&text).unwrap(), run);
        assert!(run.is_sound());
        assert!(!Run { doubled: 1, ..run }.is_sound());
    }
}

//! Goes through the workloads with everybody who takes part, and keeps what they show.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};

use crate::comparison::{BEFORE, FLOOR, TEAHOUSE};
use crate::machine::Machine;
use crate::pairs::in_order_of;
use crate::peer::{Durability, Peer, Transport};
use crate::peers;
use crate::peers::floor::Floor;
use crate::results::{Results, Run};
use crate::workloads::{Field, Outcome, Setting, Subject, Workload};

/// The servers that a table of sizes is made of.
const FAST: [&str; 4] = [TEAHOUSE, FLOOR, "bun", "nats"];

/// A workload with the transport that it is confined to.
pub type Chosen = (Box<dyn Workload>, Option<Transport>);

/// What to run.
pub struct Choice {
    /// The workloads.
    pub workloads: Vec<Chosen>,
    /// The names of who takes part; everybody when empty.
    pub peers: Vec<String>,
    /// How often each workload is run there and back, instead of what it finds right.
    pub rounds: Option<u32>,
}

/// Everybody who is there, and what keeps the others away.
fn invite(names: &[String], setting: &Setting, results: &mut Results) -> Result<Vec<Box<dyn Peer>>> {
    let teahouses = setting.teahouses.iter().cloned();
    let mut all: Vec<Box<dyn Peer>> = teahouses.map(|teahouse| Box::new(teahouse) as Box<dyn Peer>).collect();
    let compared = all.len() > 1;
    all.push(Box::new(Floor));
    let own = all.len();
    all.extend(peers::others());
    if let Some(stranger) = names.iter().find(|&name| all.iter().all(|peer| peer.name() != name)) {
        let known: Vec<_> = all.iter().map(|peer| peer.name()).collect();
        bail!("there is no peer {stranger}; there are {}", known.join(", "));
    }
    let mut there = Vec::new();
    for (at, peer) in all.into_iter().enumerate() {
        let asked_for = names.iter().any(|name| name == peer.name());
        // Who compares two servers asks about these.
        let left_out = if names.is_empty() { compared && at >= own } else { !asked_for };
        if left_out {
            continue;
        }
        match peer.version() {
            Ok(version) => {
                results.versions.insert(peer.name().into(), version);
                there.push(peer);
            }
            Err(error) if asked_for => return Err(error),
            Err(error) => {
                eprintln!("without {}: {error:#}", peer.name());
                results.left_out.insert(peer.name().into(), format!("{error:#}"));
            }
        }
    }
    Ok(there)
}

fn takes_part(field: Field, peer: &dyn Peer, quick: bool, asked_for: bool) -> bool {
    let name = if peer.name() == BEFORE { TEAHOUSE } else { peer.name() };
    let fast = FAST.contains(&name);
    // What JetStream delivers comes before it stores it; only what it confirms is on disk.
    if name == "jetstream" {
        return field == Field::Durable;
    }
    match field {
        Field::All => fast || asked_for || !quick,
        Field::Fast => asked_for || fast && (name == TEAHOUSE || !quick),
        Field::Servers => name != FLOOR && (asked_for || !quick || [TEAHOUSE, "bun"].contains(&name)),
        Field::Durable => peer.durability() == Durability::Synced,
        Field::Teahouse => name == TEAHOUSE,
    }
}

/// Runs everything that was chosen, and calls `keep` after each workload, so that a run that is cut has shown something.
pub fn run(choice: &Choice, setting: &Setting, keep: impl Fn(&Results) -> Result<()>) -> Result<Results> {
    let mut results = Results {
        machine: Machine::look(&setting.place)?,
        date: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
        command: std::env::var("TEAHOUSE_BENCH_COMMAND").unwrap_or_else(|_| said()),
        quick: setting.quick,
        versions: BTreeMap::new(),
        left_out: BTreeMap::new(),
        runs: Vec::new(),
    };
    // What the servers' core does meanwhile would be in their figures.
    setting.cores.pin_generator()?;
    let peers = invite(&choice.peers, setting, &mut results)?;
    for (workload, confined_to) in &choice.workloads {
        let asked_for = !choice.peers.is_empty();
        let everybody =
            peers.iter().filter(|peer| takes_part(workload.field(), peer.as_ref(), setting.quick, asked_for));
        let subjects: Vec<Subject<'_>> = everybody
            .flat_map(|peer| {
                let transports = peer.transports().iter();
                transports.map(move |&transport| Subject { peer: peer.as_ref(), transport })
            })
            .filter(|subject| confined_to.is_none_or(|transport| transport == subject.transport))
            .collect();
        let passes = match choice.rounds {
            Some(rounds) => 2 * rounds,
            None if setting.quick => 1,
            None => workload.passes(),
        };
        for pass in 0..passes {
            for subject in in_order_of(pass, &subjects) {
                results.runs.extend(run_one(workload.as_ref(), subject, pass / 2, setting));
            }
        }
        keep(&results)?;
    }
    Ok(results)
}

fn said() -> String {
    let mut words = std::env::args();
    let program = words.next().unwrap_or_default();
    let program = Path::new(&program).file_name().unwrap_or_default().to_string_lossy().into_owned();
    std::iter::once(program).chain(words).collect::<Vec<_>>().join(" ")
}

fn run_one(workload: &dyn Workload, subject: Subject<'_>, round: u32, setting: &Setting) -> Vec<Run> {
    let name = workload.name();
    println!("{name} {} {}", subject.peer.name(), subject.transport);
    let shown = workload.run(subject, setting).unwrap_or_else(|error| {
        vec![(workload.case(), Outcome { complaints: vec![format!("{error:#}")], ..Outcome::default() })]
    });
    let mut runs = Vec::new();
    for (case, outcome) in shown {
        let failure = (!outcome.complaints.is_empty()).then(|| outcome.complaints.join("; "));
        let faults = outcome.faults;
        let run = Run {
            workload: name.split('/').next().unwrap_or_default().into(),
            case,
            peer: subject.peer.name().into(),
            transport: subject.transport,
            durability: subject.peer.durability(),
            round,
            figures: outcome.figures,
            // A post of another room is one too many.
            missing: faults.missing,
            doubled: faults.doubled + faults.stray,
            reordered: faults.reordered,
            failure,
        };
        show(&run);
        runs.push(run);
    }
    runs
}

fn show(run: &Run) {
    println!("  {}", run.case);
    for (figure, value) in &run.figures {
        println!("    {:<36} {:>14}", figure.heading(), figure.shown(*value));
    }
    println!("    missing {}, doubled {}, reordered {}", run.missing, run.doubled, run.reordered);
    if !run.is_sound() {
        println!("    NOT SOUND: {}", run.failure.as_deref().unwrap_or("see the line above"));
    }
}

/// What must not be: runs of Teahouse or of the floor that are not sound. The others may lose what they like.
pub fn unsound(results: &Results) -> Vec<&Run> {
    let ours = results.runs.iter().filter(|run| [TEAHOUSE, BEFORE, FLOOR].contains(&run.peer.as_str()));
    ours.filter(|run| !run.is_sound()).collect()
}

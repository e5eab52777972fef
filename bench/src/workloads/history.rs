//! A room with a long past: opening it, and pages from anywhere in it.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use super::measure::{Stage, milliseconds};
use super::{Field, Outcome, Setting, Subject, Workload, count};
use crate::peer::Peer;
use crate::peers::teahouse::{Json, Teahouse};
use crate::results::{Case, Figure, Pace};
use crate::server::Server;
use crate::swarm::{Load, Pages, Plan};

const ROOM: &str = "past";
const BYTES: usize = 128;
const PAGES_PER_SECOND: f64 = 50.0;
const OPENINGS: usize = 20;
/// Who receives posts in another room beside, and how many a second.
const BESIDE: (usize, u32) = (1_000, 100);
const PAGE: &[u8] = br#""type":"history""#;

/// `history/MESSAGES`.
#[derive(Debug, Clone)]
pub(super) struct History {
    messages: usize,
}

impl History {
    pub(super) fn parse(rest: &str) -> Option<Self> {
        Some(Self { messages: count(rest)? })
    }
}

impl Workload for History {
    fn name(&self) -> String {
        format!("history/{}", self.messages)
    }

    fn field(&self) -> Field {
        Field::Teahouse
    }

    fn passes(&self) -> u32 {
        1
    }

    fn case(&self) -> Case {
        Case { rooms: 1, members: 1, bytes: BYTES, pace: Pace::Still, also: "alone".into() }
    }

    fn run(&self, subject: Subject<'_>, setting: &Setting) -> Result<Vec<(Case, Outcome)>> {
        let json = Json::over(subject.transport);
        let place = setting.place.join(format!("history-{}", std::process::id()));
        std::fs::create_dir_all(&place)?;
        // The first start makes the database; its end leaves the folder.
        let first = Server::start_in(subject.peer, place.clone(), setting.cores)?;
        let mut first = Stage::around(first, subject)?;
        // Who is answered knows that the server has begun and can be told to end.
        first.swarm(|swarm| swarm.add_reader(json.guest_steps("first"), PAGE))?;
        first.server.stop_but_keep()?;
        let own = setting.teahouses.iter().find(|teahouse| teahouse.name() == subject.peer.name());
        let imported =
            own.context("only Teahouse imports").and_then(|own| import(own, &place, self.messages));
        if imported.is_err() {
            std::fs::remove_dir_all(&place)?;
        }
        imported?;
        let mut stage = Stage::around(Server::start_in(subject.peer, place, setting.cores)?, subject)?;

        let mut openings = Vec::new();
        for opening in 0..OPENINGS {
            let took = stage.swarm(|swarm| {
                let reader = swarm.add_reader(json.guest_steps(&format!("r{opening}")), PAGE)?;
                let mut question = Vec::new();
                json.say(&format!(r#"{{"id":2,"type":"watch","room":"{ROOM}"}}"#), &mut question);
                json.say(&format!(r#"{{"id":3,"type":"history","room":"{ROOM}"}}"#), &mut question);
                swarm.ask(reader, &question)
            })?;
            openings.push(took as f64 / 1e6);
        }
        let mut alone = Outcome::default();
        alone.figures.insert(Figure::OpenMs, openings.into_iter().fold(0.0, f64::max));
        self.read(&mut stage, json, Load::Still, setting, &mut alone)?;

        stage.swarm(|swarm| {
            swarm.add_posters(4, 1)?;
            let arrivals = swarm.members(0..1, BESIDE.0, 101);
            swarm.add(arrivals)?;
            swarm.settle()
        })?;
        let mut beside = Outcome::default();
        let load = Load::Paced { per_second: BESIDE.1.into() };
        self.read(&mut stage, json, load, setting, &mut beside)?;
        let also = format!("beside a room of {} at {} posts/s", BESIDE.0, BESIDE.1);
        Ok(vec![(self.case(), alone), (Case { also, ..self.case() }, beside)])
    }
}

impl History {
    /// Lets somebody read pages, in turn before, after and around some place, under a load.
    fn read(
        &self,
        stage: &mut Stage,
        json: Json,
        load: Load,
        setting: &Setting,
        outcome: &mut Outcome,
    ) -> Result<()> {
        let name = if load == Load::Still { "reader-alone" } else { "reader-beside" };
        let reader = stage.swarm(|swarm| swarm.add_reader(json.guest_steps(name), PAGE))?;
        let mut asked = 0_usize;
        let mut ask = |out: &mut Vec<u8>| {
            asked += 1;
            let from = ["before", "after", "around"][asked % 3];
            // A walk through the room that looks random and is the same each time.
            let seq = asked.wrapping_mul(0x9e37_79b9) % self.messages + 1;
            json.say(
                &format!(r#"{{"id":{},"type":"history","room":"{ROOM}","{from}":{seq}}}"#, asked + 10),
                out,
            );
        };
        let pages = Some(Pages { reader, per_second: PAGES_PER_SECOND, ask: &mut ask });
        let plan = Plan { pages, ..Plan::posting(load, BYTES, setting.duration(10.0, 3.0)) };
        let stretch = stage.measure(plan, outcome)?;
        outcome.figures.extend([
            (Figure::PageP50Ms, milliseconds(&stretch.page_latencies, 0.5)),
            (Figure::PageP99Ms, milliseconds(&stretch.page_latencies, 0.99)),
        ]);
        Ok(())
    }
}

/// Makes the room.
fn import(teahouse: &Teahouse, place: &Path, messages: usize) -> Result<()> {
    let mut child = teahouse
        .import(&place.join("data"), ROOM)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("the import does not start")?;
    let written = write_events(child.stdin.take().context("the import has no input")?, messages);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("the import failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    written.context("the import stopped reading")
}

fn write_events(import: impl Write, messages: usize) -> Result<()> {
    let mut out = BufWriter::with_capacity(256 * 1024, import);
    let text = "x".repeat(BYTES - 20);
    let mut event = |seq: usize, rest: std::fmt::Arguments<'_>| {
        let (minute, second) = (seq / 60_000 % 60, seq / 1_000 % 60);
        let at = format!("2026-01-01T00:{minute:02}:{second:02}.{:03}Z", seq % 1_000);
        writeln!(
            out,
            r#"{{"type":"event","room":"{ROOM}","seq":{seq},"at":"{at}","user":1,"by":"ana",{rest}}}"#
        )
    };
    event(1, format_args!(r#""kind":"create""#))?;
    event(2, format_args!(r#""kind":"join""#))?;
    for seq in 3..=messages {
        event(seq, format_args!(r#""kind":"post","text":"number {seq:<12} {text}""#))?;
    }
    out.flush()?;
    Ok(())
}

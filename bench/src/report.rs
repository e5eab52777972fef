//! `RESULTS.md`: what a run has found, for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use crate::browser::{self, BrowserBudget, BrowserFigures};
use crate::budgets::{BUDGETS, Budget, Source};
use crate::comparison::{Field, Subject, TEAHOUSE};
use crate::pairs::Spread;
use crate::plot;
use crate::results::{Figure, Results, Run};

/// Appends a formatted piece; writing to a string cannot fail.
macro_rules! put {
    ($out:expr, $($rest:tt)*) => { let _ = writeln!($out, $($rest)*); };
}

/// Figures of the same thing that lie further apart than this, as a share of their median, are noisy.
const NOISY_WIDTH: f64 = 0.10;

const MISSED: &str = "**missed**";
const NOT_MEASURED: &str = "not measured";

/// What stands in the results alone: it explains more than it tells.
const NOT_SHOWN: [Figure; 2] = [Figure::DeliveriesPerRead, Figure::DeliveriesPerWrite];

/// Writes `RESULTS.md` and `results.svg` into a folder. What was recorded there in a browser is taken over.
pub fn write(results: &Results, folder: &Path) -> Result<()> {
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    let browser = BrowserFigures::read(folder)?;
    write("RESULTS.md", markdown(results, browser.as_ref()))?;
    write("results.svg", plot::svg(results))
}

/// The report, with what was recorded in a browser.
pub fn markdown(results: &Results, browser: Option<&BrowserFigures>) -> String {
    let mut out = String::new();
    head(results, &mut out);
    soundness(results, &mut out);
    budgets(results, browser, &mut out);
    out.push_str("\n![the figures of the budgets](results.svg)\n");
    let mut workloads: Vec<&str> = Vec::new();
    for run in &results.runs {
        if !workloads.contains(&run.workload.as_str()) {
            workloads.push(&run.workload);
        }
    }
    for name in workloads {
        workload(results, name, &mut out);
    }
    out.push_str(&browser::section(browser));
    noise(results, &mut out);
    out.push_str(
        "\n## Not here\n\n\
         - Search pages: the server has no search yet.\n\
         - What was tried to make it faster, and what did not pay: [EXPERIMENTS.md](EXPERIMENTS.md).\n",
    );
    out
}

fn head(results: &Results, out: &mut String) {
    let machine = &results.machine;
    out.push_str(
        "# Results of the bench\n\n\
         Written by the bench from [results.json](results.json); edits are lost. How it measures: \
         [the crate](src/lib.rs) and the workloads in it.\n\n",
    );
    if results.quick {
        out.push_str("**This is the short form: few and short runs, rough figures.**\n\n");
    }
    put!(out, "- begun {} by `{}`", results.date, results.command);
    put!(
        out,
        "- {} cores of {}, {} MiB; the server on the first core, the generator on the second; {}, {}",
        machine.cores,
        machine.model,
        machine.memory_mib,
        machine.kernel,
        machine.system
    );
    put!(out, "- the servers' files on {}", machine.file_system);
    put!(
        out,
        "- one fsync after an append of 4 KiB there: p50 {:.2} ms, p99 {:.2} ms a hundred times a second, which is what \
         budgets mean by one fsync; p50 {:.2} ms, p99 {:.2} ms without a pause",
        machine.fsync.p50_ms,
        machine.fsync.p99_ms,
        machine.fsync_without_pause.p50_ms,
        machine.fsync_without_pause.p99_ms
    );
    for (name, version) in &results.versions {
        put!(out, "- {name}: {version}");
    }
    for (name, reason) in &results.left_out {
        put!(out, "- **{name} did not take part**: {reason}");
    }
    out.push_str(
        "\nA figure is the median of all its runs and, behind the dot, how far these lie apart as a share of it. \
         A ratio is the median over rounds, with the lowest and the highest; in a round everybody runs on the way there \
         and, unless one pass was enough, once more on the way back. Durability says what a delivery means, and where posts are confirmed a \
         confirmation: *memory* (it exists in memory only), *written* (to a file, which a power cut may undo), *fsync* \
         (on disk). Teahouse confirms and delivers nothing before its fsync; a ratio to a peer of another class is a \
         ratio of different promises.\n\n\
         In a flood one write carries hundreds of messages, so bytes decide and not calls: of 128 bytes of text Teahouse \
         makes an event of about 230, the floor a line of 129.\n",
    );
}

fn shown(figure: Figure, spread: Option<Spread>) -> String {
    match spread {
        None => "–".into(),
        Some(spread) if spread.n < 2 => figure.shown(spread.median),
        Some(spread) => format!("{} · {:.0} %", figure.shown(spread.median), spread.width() * 100.0),
    }
}

fn shown_ratio(spread: Option<Spread>) -> String {
    // Below one, the third digit tells a budget of 90 % that is kept from one that is not.
    let shown = |ratio: f64| if ratio < 1.0 { format!("{ratio:.3}") } else { format!("{ratio:.2}") };
    match spread {
        None => "–".into(),
        Some(spread) if spread.n < 2 => shown(spread.median),
        Some(spread) => format!("{} ({}–{})", shown(spread.median), shown(spread.min), shown(spread.max)),
    }
}

fn faults(runs: &[&Run]) -> String {
    let sum = |part: fn(&Run) -> u64| runs.iter().map(|run| part(run)).sum::<u64>();
    format!("{} / {} / {}", sum(|run| run.missing), sum(|run| run.doubled), sum(|run| run.reordered))
}

fn soundness(results: &Results, out: &mut String) {
    let ours: Vec<&Run> = results.runs.iter().filter(|run| run.peer == TEAHOUSE).collect();
    put!(
        out,
        "\n## Never lost, doubled or out of order\n\n\
         Teahouse, {} runs, at the sampled receivers: missing / doubled / reordered {}.",
        ours.len(),
        faults(&ours)
    );
    for run in results.runs.iter().filter(|run| !run.is_sound()) {
        let reason = run.failure.as_deref().unwrap_or("deliveries were not once and in order");
        put!(
            out,
            "- **{} over {}**, {}, {}: {} ({})",
            run.peer,
            run.transport,
            run.workload,
            run.case,
            reason,
            faults(&[run])
        );
    }
}

fn budgets(results: &Results, browser: Option<&BrowserFigures>, out: &mut String) {
    out.push_str(
        "\n## Budgets\n\n\
         | what (128-byte posts) | door | Teahouse | budget | | best of the others | ours ÷ floor |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for budget in BUDGETS {
        if let Source::Browser(BrowserBudget { bound, judge }) = &budget.source {
            let (reached, verdict) = match browser.map(judge) {
                Some((reached, kept)) => (reached, if kept { "met" } else { MISSED }),
                None => ("–".into(), NOT_MEASURED),
            };
            put!(out, "| {} | – | {reached} | {bound} | {verdict} | – | – |", budget.what);
            continue;
        }
        let figure = match &budget.source {
            Source::Here { figure, .. } => Some(*figure),
            Source::Elsewhere(..) | Source::Browser(_) => None,
        };
        for standing in budget.standings(results) {
            let spread = |spread| figure.map_or_else(|| "–".into(), |figure| shown(figure, spread));
            let verdict = match (standing.kept, standing.ours) {
                (Some(true), _) => "met",
                (Some(false), _) => MISSED,
                (None, Some(_)) => "no measure to compare with",
                (None, None) => NOT_MEASURED,
            };
            put!(
                out,
                "| {} | {} | {} | {} | {} | {} | {} |",
                budget.what,
                standing.transport.map_or_else(|| "–".into(), |transport| transport.to_string()),
                spread(standing.ours),
                standing.bound,
                match &budget.source {
                    Source::Elsewhere(_, place) => place,
                    Source::Here { .. } | Source::Browser(_) => verdict,
                },
                standing.best.map_or_else(
                    || "–".into(),
                    |(subject, reached)| format!(
                        "{}, {}",
                        spread(Some(reached)),
                        named(budget, results, subject)
                    )
                ),
                shown_ratio(standing.by_floor),
            );
        }
    }
}

/// A server with its class of durability.
fn named(budget: &Budget, results: &Results, subject: Subject<'_>) -> String {
    let class = budget.field(results).and_then(|(field, _)| field.durability(subject));
    format!("{} ({})", subject.peer, class.map_or_else(|| "?".into(), |class| class.to_string()))
}

fn workload(results: &Results, name: &str, out: &mut String) {
    let fields = Field::all(results, name);
    let mut figures: BTreeSet<Figure> = fields.iter().flat_map(Field::figures).collect();
    figures.retain(|figure| !NOT_SHOWN.contains(figure));
    let Some(main) = figures.first().copied() else {
        put!(out, "\n## {name}\n\nNo figures.");
        return;
    };
    let ours: Vec<Subject<'_>> = {
        let mut ours: Vec<_> =
            fields.iter().flat_map(Field::subjects).filter(|subject| subject.peer == TEAHOUSE).collect();
        ours.sort_unstable();
        ours.dedup();
        ours
    };
    put!(out, "\n## {name}\n\nThe ratios are those of *{}*.\n", main.heading());
    let mut columns = vec!["case".to_owned(), "server".into(), "door".into(), "durability".into()];
    columns.extend(figures.iter().map(|figure| figure.heading().to_owned()));
    columns.extend(ours.iter().map(|ours| format!("Teahouse {} ÷ it", ours.transport)));
    columns.extend(["missing / doubled / reordered".into(), "runs".into()]);
    put!(out, "| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()));
    for field in &fields {
        for (at, subject) in field.subjects().into_iter().enumerate() {
            let runs: Vec<&Run> = field.runs_of(subject).collect();
            let mut cells = vec![
                if at == 0 { field.case.to_string() } else { String::new() },
                subject.peer.to_owned(),
                subject.transport.to_string(),
                field.durability(subject).map_or_else(String::new, |class| class.to_string()),
            ];
            cells.extend(figures.iter().map(|figure| shown(*figure, field.reached(subject, *figure))));
            cells.extend(ours.iter().map(|ours| {
                if *ours == subject { String::new() } else { shown_ratio(field.ratio(*ours, subject, main)) }
            }));
            let failed = runs.iter().filter(|run| run.failure.is_some()).count();
            let count = runs.len();
            cells.push(faults(&runs));
            cells.push(if failed > 0 { format!("{count}, {failed} failed") } else { count.to_string() });
            put!(out, "| {} |", cells.join(" | "));
        }
    }
}

fn noise(results: &Results, out: &mut String) {
    put!(
        out,
        "\n## What is noisy\n\n\
         Figures whose runs lie further apart than {:.0} % of their median. Their ratios say less than they seem to.\n",
        NOISY_WIDTH * 100.0
    );
    let mut names: Vec<&str> = results.runs.iter().map(|run| run.workload.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let mut lines = Vec::new();
    let mut repeated = false;
    for name in names {
        for field in Field::all(results, name) {
            for subject in field.subjects() {
                repeated |= field.runs_of(subject).count() > 1;
                let noisy: Vec<String> = field
                    .figures()
                    .into_iter()
                    .filter_map(|figure| Some((figure, field.reached(subject, figure)?)))
                    .filter(|(_, spread)| spread.width() > NOISY_WIDTH)
                    .map(|(figure, spread)| {
                        format!(
                            "{} {}–{}",
                            figure.heading(),
                            figure.shown(spread.min),
                            figure.shown(spread.max)
                        )
                    })
                    .collect();
                if !noisy.is_empty() {
                    lines.push(format!(
                        "- {name}, {}: {} over {}: {}",
                        field.case,
                        subject.peer,
                        subject.transport,
                        noisy.join("; ")
                    ));
                }
            }
        }
    }
    let none = if repeated { "None." } else { "Nobody knows: everything was run once." };
    put!(out, "{}", if lines.is_empty() { none.into() } else { lines.join("\n") });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::FLOOR;
    use crate::comparison::tests::{results, run};
    use crate::peer::Transport;

    #[test]
    fn every_budget_is_named_whatever_was_measured() {
        let text = markdown(&results(vec![]), None);
        for budget in BUDGETS {
            assert!(text.contains(budget.what), "{}", budget.what);
        }
        assert!(text.contains("| 5.00 M | not measured |"), "{text}");
    }

    #[test]
    fn a_row_has_figure_budget_verdict_peer_and_floor() {
        let text = markdown(
            &results(vec![
                run(TEAHOUSE, Transport::Tcp, 0, 5.5e6),
                run("bun", Transport::WebSocket, 0, 4.4e6),
                run(FLOOR, Transport::Tcp, 0, 11e6),
                run(FLOOR, Transport::Tcp, 0, 11e6),
                run("bun", Transport::WebSocket, 0, 3.6e6),
                run(TEAHOUSE, Transport::Tcp, 0, 5.5e6),
            ]),
            Some(&crate::browser::tests::figures()),
        );
        let row = "| TCP | 5.50 M · 0 % | 5.00 M | met | 4.00 M · 20 %, bun (memory) | 0.500 |";
        assert!(text.contains(row), "{text}");
        assert!(
            text.contains("| 1 room × 1,000, flood, 128 bytes | teahouse | TCP | fsync | 5.50 M · 0 % |")
        );
        assert!(
            text.contains("bun over WebSocket: deliveries per server-CPU-second 3.60 M–4.40 M"),
            "{text}"
        );
        assert!(text.contains("missing / doubled / reordered 0 / 0 / 0."));
        assert!(text.contains("| 12.5 ms | one frame, 16.7 ms | met |"), "{text}");
        assert!(text.contains("\n## Browser\n\n2026-11-22 21:00 UTC, chrome 156"), "{text}");
    }

    #[test]
    fn a_run_that_is_not_sound_is_at_the_top() {
        let mut lost = run(TEAHOUSE, Transport::Tcp, 0, 5.5e6);
        lost.missing = 3;
        let text = markdown(&results(vec![lost]), None);
        assert!(text.contains(
            "Teahouse, 1 runs, at the sampled receivers: missing / doubled / reordered 3 / 0 / 0."
        ));
        assert!(text.contains(
            "- **teahouse over TCP**, room, 1 room × 1,000, flood, 128 bytes: deliveries were not"
        ));
    }
}

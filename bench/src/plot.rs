//! `results.svg`: the figures of the budgets as bars, readable on light and on dark pages.

use std::fmt::Write as _;

use crate::budgets::BUDGETS;
use crate::comparison::{FLOOR, TEAHOUSE};
use crate::results::{Better, Results};

const WIDTH: usize = 860;
const NAMES_WIDTH: usize = 220;
const BARS_WIDTH: usize = 520;
const BAR_HEIGHT: usize = 16;
const ROW_HEIGHT: usize = 22;
const TITLE_HEIGHT: usize = 46;

const STYLE: &str = "\
    text { font: 13px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600 } .note { fill: #6e7781 }\n    \
    .ours { fill: #1a7f64 } .other { fill: #8c959f } .floor { fill: #d0d7de }\n    \
    @media (prefers-color-scheme: dark) {\n      \
    text { fill: #e6edf3 } .note { fill: #9198a1 }\n      \
    .ours { fill: #3fb68b } .other { fill: #6e7681 } .floor { fill: #3d444d }\n    }";

/// A picture with one group of bars for each budget that was measured.
pub fn svg(results: &Results) -> String {
    let mut body = String::new();
    let mut top = 10;
    for budget in BUDGETS {
        let Some((field, figure)) = budget.field(results) else { continue };
        let bars: Vec<_> = field
            .subjects()
            .into_iter()
            .filter_map(|subject| Some((subject, field.reached(subject, figure)?.median)))
            .collect();
        let Some(most) =
            bars.iter().map(|(_, value)| *value).max_by(f64::total_cmp).filter(|most| *most > 0.0)
        else {
            continue;
        };
        let better = match figure.better() {
            Better::More => "longer is better",
            Better::Less => "shorter is better",
        };
        let _ = writeln!(
            body,
            "  <text class=\"title\" x=\"10\" y=\"{}\">{} <tspan class=\"note\">({better})</tspan></text>",
            top + 26,
            escaped(budget.what)
        );
        top += TITLE_HEIGHT - 8;
        for (subject, value) in bars {
            let class = match subject.peer {
                TEAHOUSE => "ours",
                FLOOR => "floor",
                _ => "other",
            };
            let durability = field.durability(subject).map_or_else(String::new, |class| class.to_string());
            // A bar that is there can be seen.
            let length = (value.max(0.0) / most * BARS_WIDTH as f64).max(1.0);
            let baseline = top + BAR_HEIGHT - 4;
            let _ = writeln!(
                body,
                "  <text x=\"{}\" y=\"{baseline}\" text-anchor=\"end\">{}</text>\n  \
                 <rect class=\"{class}\" x=\"{NAMES_WIDTH}\" y=\"{top}\" width=\"{length:.1}\" height=\"{BAR_HEIGHT}\" \
                 rx=\"2\"/>\n  \
                 <text class=\"note\" x=\"{:.1}\" y=\"{baseline}\">{}</text>",
                NAMES_WIDTH - 8,
                escaped(&format!("{}, {}, {durability}", subject.peer, subject.transport)),
                NAMES_WIDTH as f64 + length + 6.0,
                escaped(&figure.shown(value)),
            );
            top += ROW_HEIGHT;
        }
        top += 8;
    }
    let height = top + 10;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"the figures of the budgets\">\n  \
         <style>\n    {STYLE}\n  </style>\n{body}</svg>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::tests::{results, run};
    use crate::peer::Transport;

    #[test]
    fn a_bar_is_as_long_as_its_share_of_the_longest() {
        let picture = svg(&results(vec![
            run(TEAHOUSE, Transport::Tcp, 0, 5.5e6),
            run(FLOOR, Transport::Tcp, 0, 11e6),
            run("bun", Transport::WebSocket, 0, 0.0),
        ]));
        assert!(picture.contains("class=\"floor\" x=\"220\" y=\"92\" width=\"520.0\""), "{picture}");
        assert!(picture.contains("class=\"ours\" x=\"220\" y=\"48\" width=\"260.0\""), "{picture}");
        assert!(picture.contains(">teahouse, TCP, fsync</text>"));
        assert!(picture.contains("width=\"1.0\""));
    }

    #[test]
    fn nothing_measured_is_an_empty_picture() {
        let picture = svg(&results(vec![]));
        assert!(picture.starts_with("<svg ") && !picture.contains("<rect"));
    }
}

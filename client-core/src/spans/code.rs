//! What stands between backticks.

use std::collections::BTreeMap;

use crate::steps::{step, steps};

/// The longest word after a fence that names a language, in characters.
const LANGUAGE_CHARS_MAX: usize = 32;

/// A stretch of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Between the others.
    Plain(&'a str),
    /// Code within a line.
    Inline(&'a str),
    /// Lines of code.
    Block { language: Option<&'a str>, code: &'a str },
}

/// Backticks in a row.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: usize,
    end: usize,
    line: usize,
    /// Whether it is the first or the last thing on its line, so that it can end a block.
    at_edge: bool,
}

impl Run {
    fn length(&self) -> usize {
        self.end - self.start
    }
}

/// Cuts a text into code and what is none.
///
/// As many backticks on both sides, on one line, make code within that line. Three or more open a block that ends with as
/// many or more, first or last on a later line; a word right behind them names the language. What is not closed, or has
/// nothing in it, is text.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let runs = runs(text);
    let closers = Closers::of(&runs);
    let mut pieces = Vec::new();
    let (mut done, mut at) = (0, 0);
    while let Some(run) = runs.get(at) {
        step();
        let found = inline(text, &runs, &closers, at).or_else(|| block(text, &runs, &closers, at));
        let Some((piece, closer)) = found else {
            at += 1;
            continue;
        };
        pieces.push(Piece::Plain(&text[done..run.start]));
        pieces.push(piece);
        done = runs[closer].end;
        at = closer + 1;
    }
    pieces.push(Piece::Plain(&text[done..]));
    pieces
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let (mut line, mut at, mut blank) = (0, 0, true);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        step();
        match bytes[at] {
            b'`' => {
                let start = at;
                while bytes.get(at) == Some(&b'`') {
                    step();
                    at += 1;
                }
                runs.push(Run { start, end: at, line, at_edge: blank });
                blank = false;
                continue;
            }
            b'\n' => {
                line += 1;
                blank = true;
            }
            b' ' | b'\t' | b'\r' => {}
            _ => blank = false,
        }
        at += 1;
    }
    // From the back: is there anything behind it on its line?
    let (mut blank, mut at) = (true, bytes.len());
    for run in runs.iter_mut().rev() {
        while at > run.end {
            step();
            at -= 1;
            blank = match bytes[at] {
                b'\n' => true,
                b' ' | b'\t' | b'\r' => blank,
                _ => false,
            };
        }
        run.at_edge |= blank;
        (blank, at) = (false, run.start);
    }
    runs
}

/// For each run, which later one may close it.
struct Closers {
    /// The next one of the same length.
    same: Vec<Option<usize>>,
    /// The next one at an edge that is as long or longer.
    edge: Vec<Option<usize>>,
}

impl Closers {
    fn of(runs: &[Run]) -> Self {
        let mut of_length = BTreeMap::new();
        // Nearest last; each is longer than those above it, since nearer and longer ones hide the others.
        let mut edges: Vec<usize> = Vec::new();
        let mut closers = Self { same: vec![None; runs.len()], edge: vec![None; runs.len()] };
        for (at, run) in runs.iter().enumerate().rev() {
            steps(edges.len().checked_ilog2().map_or(1, |log| log as usize + 1));
            closers.same[at] = of_length.insert(run.length(), at);
            let shorter = edges.partition_point(|other| runs[*other].length() >= run.length());
            closers.edge[at] = shorter.checked_sub(1).map(|nearest| edges[nearest]);
            if run.at_edge {
                let longer = edges.partition_point(|other| runs[*other].length() > run.length());
                edges.truncate(longer);
                edges.push(at);
            }
        }
        closers
    }
}

fn inline<'a>(text: &'a str, runs: &[Run], closers: &Closers, at: usize) -> Option<(Piece<'a>, usize)> {
    let closer = closers.same[at].filter(|closer| runs[*closer].line == runs[at].line)?;
    let code = &text[runs[at].end..runs[closer].start];
    steps(1 + code.len() - code.trim_start().len());
    (!code.trim_start().is_empty()).then_some((Piece::Inline(code), closer))
}

fn block<'a>(text: &'a str, runs: &[Run], closers: &Closers, at: usize) -> Option<(Piece<'a>, usize)> {
    let run = runs[at];
    if run.length() < 3 || runs.get(at + 1)?.line == run.line {
        return None;
    }
    let closer = closers.edge[at]?;
    let inside = &text[run.end..runs[closer].start];
    let (first, rest) = inside.split_once('\n')?;
    steps(first.len());
    let language = first.trim();
    let names_one = language.chars().count() <= LANGUAGE_CHARS_MAX
        && language.chars().all(|c| c.is_alphanumeric() || matches!(c, '+' | '-' | '#' | '.' | '_' | '/'));
    let (language, code) =
        if names_one { (Some(language).filter(|word| !word.is_empty()), rest) } else { (None, inside) };
    let code = code.strip_suffix(last_line_blank(code)).unwrap_or(code);
    let code = code.strip_suffix('\n').unwrap_or(code);
    let code = code.strip_suffix('\r').unwrap_or(code);
    steps(1 + code.len() - code.trim_start().len());
    (!code.trim_start().is_empty()).then_some((Piece::Block { language, code }, closer))
}

/// The spaces before the fence that closes.
fn last_line_blank(code: &str) -> &str {
    let blank = &code[code.trim_end_matches([' ', '\t']).len()..];
    steps(1 + blank.len());
    if code[..code.len() - blank.len()].ends_with('\n') { blank } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows pieces as text: `|inline|`, `[language:block]`.
    fn check(text: &str, expected: &str) {
        let shown: String = pieces(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Plain(text) => text.to_owned(),
                Piece::Inline(code) => format!("|{code}|"),
                Piece::Block { language, code } => format!("[{}:{code}]", language.unwrap_or_default()),
            })
            .collect();
        assert_eq!(shown, expected, "{text:?}");
    }

    #[test]
    fn code_within_a_line() {
        check("`ana` x `", "|ana| x `");
        check("`` a `b\nc` `d`", "`` a `b\nc` |d|");
        check("``a`b``", "|a`b|");
        check("```let a;``` ok", "|let a;| ok");
        check("` ` `x`", "` |x|`".replace("|x|`", "` |x|").as_str());
        check("", "");
    }

    #[test]
    fn blocks_have_a_language_and_their_lines_as_they_are() {
        check("```rust\nfn main() {\n    a();\n}\n```", "[rust:fn main() {\n    a();\n}]");
        check("```\r\na\r\n```\r\n", "[:a]\r\n");
        check("see\n```c++\nx\n```\nok", "see\n[c++:x]\nok");
        check("```\nlet a;\nb\n``` ok", "[:let a;\nb] ok");
        check("```\na\nb```", "[:a\nb]");
        check("```let x = 1;\ny\n```", "[:let x = 1;\ny]");
        check("看```python\nprint()\n```", "看[python:print()]");
        check("````md\n```rust\nx\n```\n````", "[md:```rust\nx\n```]");
        check("```\n`a` and ``b``\n```", "[:`a` and ``b``]");
        check("```\n  indented\n\n  ```", "[:  indented\n]");
        check("```\na\n```\n```\nb\n```", "[:a]\n[:b]");
    }

    #[test]
    fn what_is_not_closed_is_text() {
        check("```rust\nfn main() {}", "```rust\nfn main() {}");
        check("```\n```", "```\n```");
        check("````\na\n```", "````\na\n```");
        check("```\na ``` b", "```\na ``` b");
        check("``` a `b` c\nd\n```", "``` a |b| c\nd\n```");
    }
}

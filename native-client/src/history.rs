use crate::view::transcript::{Older, OlderLines};

/// How many messages `/history` shows without a number, and PgUp.
pub(crate) const HISTORY_POSTS: usize = 20;
/// The most that it shows at a time.
const HISTORY_POSTS_MAX: usize = 1_000;

/// What a line says that asks for older messages; `None`: it is another line.
pub(crate) fn asked(line: &str) -> Option<Result<usize, ()>> {
    let mut words = line.split_whitespace();
    if !line.starts_with('/') || !words.next()?.eq_ignore_ascii_case("/history") {
        return None;
    }
    Some(match (words.next(), words.next()) {
        (None, _) => Ok(HISTORY_POSTS),
        (Some(number), None) => match number.parse() {
            Ok(posts @ 1..=HISTORY_POSTS_MAX) => Ok(posts),
            _ => Err(()),
        },
        _ => Err(()),
    })
}

/// What to do for somebody who wants older messages.
#[derive(Debug)]
pub(crate) enum Step {
    /// Ask for a page, and look again when it is there.
    Load,
    /// Wait for the page that is on its way.
    Wait,
    /// Show these.
    Show(OlderLines),
    /// There are none.
    Begins,
}

/// Decides by what is loaded. `loading`: a page is on its way. `asked`: the last page that was asked for did not even begin
/// to come, so that there will be no more.
pub(crate) fn step(older: Older, loading: bool, asked: bool) -> Step {
    match older {
        Older::Nothing => Step::Begins,
        Older::Lines(lines) => Step::Show(lines),
        Older::Missing(_) if loading => Step::Wait,
        Older::Missing(lines) if asked => Step::Show(lines),
        Older::Missing(_) => Step::Load,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_ask_for_history() {
        for (line, expected) in [
            ("/history", Some(Ok(HISTORY_POSTS))),
            ("/HISTORY 5 ", Some(Ok(5))),
            ("/history 0", Some(Err(()))),
            ("/history 1001", Some(Err(()))),
            ("/history five", Some(Err(()))),
            ("/history 5 6", Some(Err(()))),
            ("/historyx", None),
            (" /history", None),
            ("//history", None),
            ("history", None),
            ("", None),
        ] {
            assert_eq!(asked(line), expected, "{line:?}");
        }
    }
}

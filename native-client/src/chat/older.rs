use teahouse_client_core::{Connection, Entry, Input, Intent};
use teahouse_protocol::{RoomName, Seq};

use super::Chat;
use crate::view::transcript::{Older, OlderLines};

/// How many messages `/history` shows without a number, and PgUp.
pub(super) const HISTORY_POSTS: usize = 20;
/// The most that it shows at a time.
const HISTORY_POSTS_MAX: usize = 1_000;

/// What a line says that asks for older messages; `None`: it is another line.
pub(super) fn asked(line: &str) -> Option<Result<usize, ()>> {
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
enum Step {
    /// Ask for a page, and look again when it is there.
    Load,
    /// Wait for the page that is on its way.
    Wait,
    /// The room is not there yet, or there is no room.
    Unknown,
    /// Show these.
    Show(OlderLines),
    /// There are none.
    Begins,
}

/// Decides by what is loaded. `loading`: a page is on its way. `asked`: the last page that was asked for did not even begin
/// to come, so that there will be no more.
fn step(older: Older, loading: bool, asked: bool) -> Step {
    match older {
        Older::Unknown if loading => Step::Wait,
        Older::Unknown => Step::Unknown,
        Older::Nothing => Step::Begins,
        Older::Lines(lines) => Step::Show(lines),
        Older::Missing(_) if loading => Step::Wait,
        Older::Missing(lines) if asked => Step::Show(lines),
        Older::Missing(_) => Step::Load,
    }
}

/// Older messages that the user waits for.
pub(super) struct OlderWanted {
    room: RoomName,
    posts: usize,
    /// The first event that was loaded when a page was asked for.
    asked_at: Option<Seq>,
}

impl Chat {
    pub(super) fn want_older(&mut self, posts: usize) -> anyhow::Result<()> {
        self.older = Some(OlderWanted { room: self.room(), posts, asked_at: None });
        self.show_older()
    }

    pub(super) fn show_older(&mut self) -> anyhow::Result<()> {
        loop {
            let Some(OlderWanted { room: name, posts, asked_at }) = &self.older else { return Ok(()) };
            let (name, language) = (name.clone(), self.look.language);
            let model = self.session.driver.machine.model();
            let Some(room) = model.room(&name).filter(|_| model.active() == Some(&name)) else {
                self.older = None;
                return Ok(());
            };
            let first = room.timeline().entries().find_map(|entry| match entry {
                Entry::Event(event) => Some(event.seq),
                Entry::Gap(_) | Entry::Pending(_) => None,
            });
            let older = self.transcript.older(room, *posts, model.me());
            let asked = asked_at.is_some() && *asked_at == first;
            match step(older, room.loading_older(), asked) {
                Step::Wait => return Ok(()),
                Step::Load => {
                    if let Some(older) = &mut self.older {
                        older.asked_at = first;
                    }
                    let outputs = self.session.driver.feed(Input::User(Intent::LoadOlder(name)));
                    // Shown first, since it comes back here: the page is on its way now, or never will be.
                    self.show_all(outputs)?;
                }
                Step::Unknown => {
                    self.older = None;
                    return self.aside(language.pick("the room is not there yet", "房间还没打开"));
                }
                Step::Begins => {
                    self.older = None;
                    return self.aside(language.pick("there is nothing before this", "前面没有了"));
                }
                Step::Show(lines) => {
                    self.older = None;
                    let offline = *model.connection() != Connection::Online;
                    self.aside(&format!("── #{name} {} ──", language.pick("earlier", "更早")))?;
                    for line in self.transcript.take(lines) {
                        self.print(&line)?;
                    }
                    if offline {
                        self.aside(language.pick("more needs a connection", "更早的要连上以后才能看"))?;
                    }
                    return self.aside(&format!("── #{name} {} ──", language.pick("now", "现在")));
                }
            }
        }
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

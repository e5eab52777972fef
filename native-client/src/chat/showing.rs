//! What the chat shows of what happened.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal};

use anyhow::Context;
use teahouse_client_core::{Change, Connection, Entry, Notice, Output, PendingPost, PostState, Room};
use teahouse_protocol::{MemberName, RoomName};
use tokio::time::Instant;

use super::{Chat, KEEP_WITHIN, Screen, labels};
use crate::exit::Exit;
use crate::output::{complain, print};

impl Chat {
    pub(super) fn show(&mut self, outputs: Vec<Output>) -> anyhow::Result<()> {
        self.show_all(outputs)?;
        self.show_older()?;
        self.change_line()
    }

    pub(super) fn show_all(&mut self, outputs: Vec<Output>) -> anyhow::Result<()> {
        for output in self.session.keep(outputs) {
            match output {
                Output::Changed(Change::Connection) => self.show_connection()?,
                Output::Changed(Change::Active) => self.show_active()?,
                Output::Changed(Change::Timeline(room)) => self.show_news(&room)?,
                Output::Changed(Change::Rooms) => self.show_other_rooms()?,
                Output::Notice(notice) => {
                    if is_refusal(&notice) {
                        self.exit = Exit::Refused;
                    }
                    for line in self.look.language.notice(&notice) {
                        self.aside(&line)?;
                    }
                }
                Output::Mentioned { room, by, text, .. } => self.show_mention(&room, &by, &text)?,
                Output::Changed(Change::Members(_) | Change::Identity | Change::Draft(_)) => {}
                Output::OpenLink | Output::CloseLink | Output::Send(_) | Output::Store { .. } => {}
            }
        }
        self.show_trouble()?;
        if self.session.waits() {
            self.keep_at.get_or_insert_with(|| Instant::now() + KEEP_WITHIN);
        }
        if let Screen::Terminal(prompt) = &mut self.screen {
            prompt.label(labels(&self.session, self.look.language))?;
        }
        Ok(())
    }

    pub(super) fn show_trouble(&mut self) -> anyhow::Result<()> {
        match self.session.trouble() {
            Some(trouble) => self.alarm(&trouble),
            None => Ok(()),
        }
    }

    /// A line that was no command.
    pub(super) fn refused(&mut self, words: &str) -> anyhow::Result<()> {
        self.exit = Exit::Refused;
        self.aside(words)
    }

    pub(super) fn show_connection(&mut self) -> anyhow::Result<()> {
        let now = self.session.driver.now().ticks;
        let connection = self.session.driver.machine.model().connection().clone();
        let text = self.look.language.connection(&connection, now);
        self.refused = matches!(connection, Connection::NeedsName { problem: Some(_) });
        match connection {
            Connection::NeedsName { problem: Some(_) } | Connection::Stopped { .. } => self.alarm(&text),
            Connection::Waiting { .. } if !self.offline_told && connection.banner_due(now) => {
                self.offline_told = true;
                self.alarm(&text)
            }
            Connection::Online if self.offline_told => {
                self.offline_told = false;
                self.aside(&text)
            }
            Connection::NeedsName { problem: None }
            | Connection::Connecting { .. }
            | Connection::Waiting { .. }
            | Connection::Online => Ok(()),
        }
    }

    pub(super) fn show_active(&mut self) -> anyhow::Result<()> {
        let Some(room) = self.session.driver.machine.model().active().cloned() else { return Ok(()) };
        self.rooms_told.remove(&room);
        self.transcript.turn_page();
        self.aside(&format!("── #{room} ──"))?;
        self.show_news(&room)
    }

    pub(super) fn show_news(&mut self, name: &RoomName) -> anyhow::Result<()> {
        let model = self.session.driver.machine.model();
        let Some(room) = model.room(name).filter(|_| model.active() == Some(name)) else { return Ok(()) };
        let lines = self.transcript.news(room, model.me());
        let failures = failures(room);
        for line in lines {
            self.print(&line)?;
        }
        if matches!(self.screen, Screen::Terminal(_)) {
            for post in failures {
                let language = self.look.language;
                let line = match &post.state {
                    PostState::Failed { code, reason, .. } => language.not_sent(*code, reason, &post.text),
                    PostState::Unknown => language.unknown(&post.text),
                    PostState::Queued | PostState::Sent => continue,
                };
                if self.failures_told.insert(post.local) {
                    self.alarm(&line)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn show_other_rooms(&mut self) -> anyhow::Result<()> {
        let model = self.session.driver.machine.model();
        let unread: BTreeSet<RoomName> = model
            .rooms()
            .filter(|room| room.unread() > 0 && model.active() != Some(room.name()))
            .map(|room| room.name().clone())
            .collect();
        let new: Vec<RoomName> = unread.difference(&self.rooms_told).cloned().collect();
        self.rooms_told = unread;
        for room in new {
            let line = self.look.language.news(&room);
            self.aside(&line)?;
        }
        Ok(())
    }

    pub(super) fn show_mention(
        &mut self,
        room: &RoomName,
        by: &MemberName,
        text: &str,
    ) -> anyhow::Result<()> {
        let Screen::Terminal(_) = self.screen else { return Ok(()) };
        let model = self.session.driver.machine.model();
        let line = (model.active() != Some(room)).then(|| {
            let at = self.session.driver.now().unix;
            format!("#{room} {}", self.look.message(at, by, text, false, model.me()))
        });
        // The bell: the terminal shows or sounds it as its user likes.
        let line = line.unwrap_or_default();
        if line.is_empty() { self.bell() } else { self.print(&format!("\x07{line}")) }
    }

    pub(super) fn bell(&self) -> anyhow::Result<()> {
        Ok(print("\x07")?)
    }

    /// A line of the room.
    pub(super) fn print(&mut self, line: &str) -> anyhow::Result<()> {
        match &mut self.screen {
            Screen::Terminal(prompt) => prompt.print(line),
            Screen::Plain(_) if self.muted => Ok(()),
            Screen::Plain(lines) => match print(&format!("{line}\n")) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    self.muted = true;
                    if io::stdin().is_terminal() {
                        *lines = None;
                    }
                    Ok(())
                }
                printed => printed.context("standard output cannot be written"),
            },
        }
    }

    /// A line about the room: not for whoever reads standard output with a program.
    pub(super) fn aside(&mut self, text: &str) -> anyhow::Result<()> {
        self.tell(text, &self.look.aside(text))
    }

    pub(super) fn alarm(&mut self, text: &str) -> anyhow::Result<()> {
        self.tell(text, &self.look.alarm(text))
    }

    pub(super) fn tell(&mut self, text: &str, styled: &str) -> anyhow::Result<()> {
        match &mut self.screen {
            Screen::Terminal(prompt) => prompt.print(styled),
            Screen::Plain(_) => {
                complain(text);
                Ok(())
            }
        }
    }
}

/// Whether a line came to nothing.
fn is_refusal(notice: &Notice) -> bool {
    notice.is_about_draft() || matches!(notice, Notice::NameTaken { .. } | Notice::ServerError { .. })
}

fn failures(room: &Room) -> Vec<PendingPost> {
    let failed = |entry: Entry<'_>| match entry {
        Entry::Pending(post) => match &post.state {
            PostState::Failed { .. } | PostState::Unknown => Some(post.clone()),
            PostState::Queued | PostState::Sent => None,
        },
        Entry::Event(_) | Entry::Gap(_) => None,
    };
    room.timeline().entries().filter_map(failed).collect()
}

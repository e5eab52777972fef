use teahouse_protocol::{Leave, RoomName};

use super::{Asked, Brain};
use crate::commands::{self, Line, SlashCommand};
use crate::input::{Intent, Now};
use crate::limits::DRAFT_BYTES_MAX;
use crate::output::{Change, Notice};
use crate::store::Key;

impl Brain {
    pub(super) fn user(&mut self, intent: Intent, now: Now) {
        match intent {
            Intent::ChooseName(name) => {
                self.choose_name(&name, now.ticks);
            }
            Intent::ForgetMe => self.forget_me(now.ticks),
            Intent::Open(room) => self.open(&room),
            Intent::Join(room) => self.want(&room, false),
            Intent::Create(room) => {
                self.want(&room, true);
                self.open(&room);
            }
            Intent::Leave(room) => {
                self.leave(&room);
            }
            Intent::Submit { room, text } => self.submit(&room, &text, now),
            Intent::Draft { room, text } => self.draft(&room, text),
            Intent::Retry(local) => self.retry(local, now),
            Intent::Discard(local) => self.discard(local),
            Intent::Undiscard => self.undiscard(),
            Intent::LoadOlder(room) => self.load_older(&room),
            Intent::Show { room, seq } => self.show(&room, seq),
            Intent::LoadBefore { room, seq } => self.load_before(&room, seq),
            Intent::LoadAfter { room, seq } => self.load_after(&room, seq),
            Intent::ReconnectNow => {
                if self.identity.is_some() && !self.line.held() {
                    self.connect(now.ticks);
                }
            }
            Intent::RefreshRooms => {
                if self.line.is_up() {
                    self.ask_rooms(None, false);
                }
            }
        }
    }

    /// A finished line. What is refused stays in the draft, so that no word is lost.
    fn submit(&mut self, room: &RoomName, text: &str, now: Now) {
        let taken = match commands::parse(text) {
            Line::Text(text) => text.trim().is_empty() || self.post(room, text, false, now),
            Line::Command(SlashCommand::Me, "") => self.usage(SlashCommand::Me),
            Line::Command(SlashCommand::Me, text) => self.post(room, text, true, now),
            Line::Command(command, argument) => self.command(command, argument, room, now),
            Line::Unknown(word) => {
                self.notice(Notice::UnknownCommand { command: word.to_owned() });
                false
            }
        };
        let left = if taken { "" } else { text };
        if self.room_entry(room).draft != left {
            self.draft(room, left.to_owned());
            self.change(Change::Draft(room.clone()));
        }
    }

    fn command(&mut self, command: SlashCommand, argument: &str, room: &RoomName, now: Now) -> bool {
        match command {
            SlashCommand::Me => unreachable!("/me is a post"),
            SlashCommand::Help => {
                self.notice(Notice::Help);
                true
            }
            SlashCommand::Join | SlashCommand::Name if argument.is_empty() => self.usage(command),
            SlashCommand::Join => match RoomName::parse(argument.strip_prefix('#').unwrap_or(argument)) {
                Ok(name) => {
                    self.want(&name, true);
                    self.open(&name);
                    true
                }
                Err(reason) => {
                    self.notice(Notice::BadName { reason });
                    false
                }
            },
            SlashCommand::Name => self.choose_name(argument, now.ticks),
            SlashCommand::Leave => self.leave(room),
            SlashCommand::Rooms | SlashCommand::Who if !self.line.is_up() => {
                self.notice(Notice::Offline);
                false
            }
            SlashCommand::Rooms => {
                self.ask_rooms(None, true);
                true
            }
            SlashCommand::Who => {
                self.ask_who(room, true);
                true
            }
        }
    }

    fn usage(&mut self, command: SlashCommand) -> bool {
        self.notice(Notice::Usage { command });
        false
    }

    pub(super) fn draft(&mut self, room: &RoomName, text: String) {
        let entry = self.room_entry(room);
        entry.draft_is_own = !text.is_empty();
        if text.len() > DRAFT_BYTES_MAX || entry.draft == text {
            return;
        }
        let kept = (!text.is_empty()).then(|| text.clone());
        entry.draft = text;
        self.store(&Key::Draft(room.clone()), kept);
    }

    fn leave(&mut self, name: &RoomName) -> bool {
        if !self.line.is_up() {
            self.notice(Notice::Offline);
            return false;
        }
        let joined = self.model.room(name).is_some_and(crate::room::Room::joined);
        if !joined {
            self.notice(Notice::NotMember { room: name.clone() });
            return true;
        }
        self.room_entry(name).leaving = true;
        let command = teahouse_protocol::Command::Leave(Leave { room: name.clone() });
        self.ask(command, Asked::Leave { room: name.clone() });
        true
    }
}

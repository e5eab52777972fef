use teahouse_protocol::{ErrorCode, ErrorReply, RoomName, ServerMessage, decode_server_message};

use super::{Asked, Brain};
use crate::input::Now;
use crate::model::Connection;
use crate::output::Notice;

impl Brain {
    /// One object of the server. What this version does not understand is ignored.
    pub(super) fn received(&mut self, text: &str, now: Now) {
        let Ok(message) = decode_server_message(text.as_bytes()) else { return };
        let asked = message.re().and_then(|re| self.asked.remove(&re));
        match (message, asked) {
            (ServerMessage::Welcome(welcome), Some(Asked::Hello { token })) => {
                self.welcomed(welcome, token, now.ticks);
            }
            (ServerMessage::Welcome(_), Some(Asked::Farewell { token })) => self.ask_to_sign_out(token),
            (ServerMessage::SignedOut(_), Some(Asked::SignOut { token })) => {
                self.signed_out(&token, now.ticks)
            }
            (ServerMessage::Ack(_), Some(Asked::Leave { room })) => self.left(&room),
            (ServerMessage::Ack(ack), Some(Asked::Operation { room, op })) => {
                self.operation_done(&room, &op, &ack)
            }
            (ServerMessage::Renamed(reply), Some(Asked::Rename { .. })) => self.renamed(reply.user),
            (ServerMessage::Rooms(list), Some(Asked::Rooms { shown })) => self.rooms_listed(list, shown),
            (ServerMessage::Watching(reply), Some(Asked::Watch { room })) => self.watching(&room, reply),
            (ServerMessage::History(page), Some(Asked::History { room })) => self.history(&room, page),
            (ServerMessage::Members(reply), Some(Asked::Who { room, shown })) => {
                self.members_listed(&room, reply, shown);
            }
            (ServerMessage::Error(error), asked) => self.refused(error, asked, now),
            (ServerMessage::Event(event), _) => self.event(event, now.ticks),
            (ServerMessage::CaughtUp(reply), _) => self.caught_up(&reply),
            (ServerMessage::Gone(gone), _) => self.gone(&gone),
            (ServerMessage::Presence(presence), _) => self.presence(presence),
            (ServerMessage::Goodbye(goodbye), _) => {
                let (reason, message, reconnect) = (goodbye.reason, goodbye.message, goodbye.reconnect);
                self.notice(Notice::Goodbye { reason, message: message.clone(), reconnect });
                if reconnect {
                    self.cut(message, now.ticks);
                } else {
                    self.stop(Connection::Stopped { code: None, reason: message });
                }
            }
            (
                ServerMessage::Welcome(_)
                | ServerMessage::Renamed(_)
                | ServerMessage::SignedOut(_)
                | ServerMessage::Ack(_)
                | ServerMessage::Rooms(_)
                | ServerMessage::Watching(_)
                | ServerMessage::Unwatched(_)
                | ServerMessage::History(_)
                | ServerMessage::Members(_)
                | ServerMessage::Pong(_)
                | ServerMessage::Unknown,
                _,
            ) => {}
        }
    }

    fn refused(&mut self, error: ErrorReply, asked: Option<Asked>, now: Now) {
        match asked {
            Some(Asked::Hello { token }) => self.hello_refused(error, token, now.ticks),
            Some(Asked::Farewell { token } | Asked::SignOut { token }) => {
                self.farewell_refused(&token, error, now.ticks);
            }
            Some(Asked::Rename { name }) => self.rename_refused(name, error, now.ticks),
            Some(Asked::Operation { room, op }) => self.operation_refused(&room, op, error, now.ticks),
            Some(Asked::Watch { room }) => self.watch_refused(&room, error, now.ticks),
            Some(Asked::History { room }) => {
                self.history_refused(&room);
                // The room's own state says so.
                if error.code != ErrorCode::NoSuchRoom {
                    self.tell(Some(room), error);
                }
            }
            Some(Asked::Leave { room }) => {
                self.room_entry(&room).leaving = false;
                self.tell(Some(room), error);
            }
            Some(Asked::Unwatch | Asked::Who { shown: false, .. } | Asked::Rooms { shown: false }) => {}
            Some(Asked::Who { room, .. }) => self.tell(Some(room), error),
            None if error.re.is_some_and(|re| self.line.is_own(re)) => {}
            Some(Asked::Rooms { .. }) | None => self.tell(None, error),
        }
    }

    pub(super) fn tell(&mut self, room: Option<RoomName>, error: ErrorReply) {
        self.notice(Notice::ServerError { room, code: error.code, message: error.message });
    }
}

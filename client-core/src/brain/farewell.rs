use teahouse_protocol::{Command, ErrorReply, SignOut};

use super::{Asked, Brain};
use crate::input::Ticks;
use crate::store::Key;

impl Brain {
    /// Ends who the user was, so that others can have the name: over this link, or before anything else over the next one.
    pub(super) fn say_farewell(&mut self, token: String, now: Ticks) {
        self.store(&Key::Farewell(token.clone()), Some("1".to_owned()));
        self.farewells.insert(token.clone());
        if self.line.is_up() {
            self.unlink();
            self.line.greet_anew(now);
            self.ask_to_sign_out(token);
        } else {
            self.reconnect(now);
        }
    }

    pub(super) fn ask_to_sign_out(&mut self, token: String) {
        self.ask(Command::SignOut(SignOut {}), Asked::SignOut { token });
    }

    /// The server knows; the link is nobody's again.
    pub(super) fn signed_out(&mut self, token: &str, now: Ticks) {
        self.farewells.remove(token);
        self.store(&Key::Farewell(token.to_owned()), None);
        if self.is_somebody() || !self.farewells.is_empty() {
            // A connection on which somebody was still watches for them.
            self.reconnect(now);
        } else {
            self.unlink();
            self.line.stop(&mut self.outputs);
        }
    }

    pub(super) fn farewell_refused(&mut self, token: &str, error: ErrorReply, now: Ticks) {
        if error.temporary {
            return self.cut(error.message, now);
        }
        // Nobody is known by this token: that is what was wanted.
        self.signed_out(token, now);
    }
}

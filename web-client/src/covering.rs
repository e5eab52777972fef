//! What covers the page - a drawer, a dialog over it - has an entry in the browser's history each, so that Back closes
//! the uppermost, as people do on a phone. What is closed in another way takes its entry with it.
//!
//! The number of things that cover the page stands in the state of the history's entry. Whenever it is not the number
//! that really does, one of the two follows the other: the history when the user acted on the page, the page when the
//! user went through the history.

use leptos::prelude::*;

use crate::app::{App, Dialog, Drawer};
use crate::model::put;
use crate::page;

/// The part of [`App`] that belongs to this.
#[derive(Clone, Copy)]
pub(crate) struct Covering {
    /// The drawer that is open on a small screen.
    pub(crate) drawer: RwSignal<Option<Drawer>>,
    /// The dialog that is open.
    pub(crate) dialog: RwSignal<Option<Dialog>>,
    /// The page itself has asked for a step back, which is still to come.
    returning: StoredValue<bool>,
    /// Another room is about to be opened. Its address takes the place of what covered the page.
    moving: StoredValue<bool>,
    /// The address when the page was covered.
    below: StoredValue<String>,
}

impl Covering {
    /// Nothing covers the page.
    pub(crate) fn new() -> Self {
        Self {
            drawer: RwSignal::new(None),
            dialog: RwSignal::new(None),
            returning: StoredValue::new(false),
            moving: StoredValue::new(false),
            below: StoredValue::new(String::new()),
        }
    }

    /// Closes whatever covers the page.
    pub(crate) fn close_all(self) {
        put(self.drawer, None);
        put(self.dialog, None);
    }

    /// Closes the uppermost thing that covers the page. Answers whether there was one.
    pub(crate) fn close_one(self) -> bool {
        if self.dialog.get_untracked().is_some() {
            put(self.dialog, None);
        } else if self.drawer.get_untracked().is_some() {
            put(self.drawer, None);
        } else {
            return false;
        }
        true
    }

    /// Calls `act`, which opens another room.
    pub(crate) fn while_moving(self, act: impl FnOnce()) {
        self.moving.set_value(true);
        act();
        // The address follows in the next frame, and this comes after it.
        request_animation_frame(move || {
            self.moving.set_value(false);
            self.follow();
        });
    }

    /// Makes the history follow what covers the page, from now on.
    pub(crate) fn keep_history_up_to_date(self) {
        Effect::new(move || {
            self.drawer.track();
            self.dialog.track();
            self.follow();
        });
    }

    fn covers(self) -> u32 {
        u32::from(self.drawer.get_untracked().is_some()) + u32::from(self.dialog.get_untracked().is_some())
    }

    fn follow(self) {
        if self.returning.get_value() || self.moving.get_value() {
            return;
        }
        let (covers, in_history) = (self.covers(), page::covers_in_history());
        if covers < in_history {
            self.returning.set_value(true);
            page::go_back(in_history - covers);
        }
        if in_history == 0 && covers > 0 {
            self.below.set_value(page::hash());
        }
        for covers in in_history + 1..=covers {
            page::push_cover(covers);
        }
    }

    /// The user, or the page itself, went through the history. Answers whether the address names where to go.
    pub(crate) fn came_through_history(self) -> bool {
        if self.returning.get_value() {
            self.returning.set_value(false);
            self.follow();
            return false;
        }
        let in_history = page::covers_in_history();
        let covered = self.covers() > 0;
        while self.covers() > in_history {
            self.close_one();
        }
        if self.covers() < in_history {
            // What covered the page here is closed for good: on to what was below it.
            page::go_back(in_history - self.covers());
            return false;
        }
        !covered || self.below.get_value() != page::hash()
    }
}

impl App {
    /// Opens a dialog, or closes it where it is open.
    pub(crate) fn toggle_dialog(self, dialog: Dialog) {
        let open = self.dialog.get_untracked();
        put(self.dialog, (open != Some(dialog)).then_some(dialog));
    }
}

//! To a certain message: the newest, the oldest, the one that the address names, the one that was read before.

use leptos::prelude::*;
use teahouse_client_core::{Intent, Row, RowKey};
use teahouse_protocol::Seq;

use super::super::place::{Anchor, Place};
use super::{Scroller, TARGET_SHARE};
use crate::model::{OpenTimeline, put};
use crate::row_window::RowWindow;

impl Scroller {
    /// To the newest message, and stays with it.
    pub(crate) fn to_latest(&self) {
        let rows = self.timeline.borrow().rows.len();
        self.following.set(true);
        self.entering.set(false);
        self.left_at.set(None);
        self.stop_placing();
        put(self.marked, None);
        self.app.unmark();
        put(self.below, 0);
        let window = self.window.get();
        if window.end < rows {
            self.window.set(RowWindow::tail(rows));
            self.show();
        }
        self.settle();
    }

    /// To the message that the address names, once its room is open and the message is loaded. Answers whether it
    /// went there.
    pub(crate) fn to_target(&self) -> bool {
        let target = self.app.target.get_untracked();
        let timeline = self.timeline.borrow().clone();
        let Some(target) = target.filter(|target| Some(&target.room) == timeline.room.as_ref()) else {
            return false;
        };
        let Some(seq) = target.seq else { return false };
        let Some(place) = timeline.rows.iter().position(|row| row_has(row, seq)) else {
            return self.look_for(&timeline, seq);
        };
        self.app.target.set(None);
        put(self.marked, Some(seq));
        self.go_to(place, self.target_top());
        true
    }

    /// Where a message that the address names comes to stand.
    fn target_top(&self) -> f64 {
        let height = self.view.get_untracked().map_or(0, |view| view.client_height());
        f64::from(height) * TARGET_SHARE
    }

    /// The message that the address names is not among the rows. It may be on its way; or it is none, and the reader is told
    /// so and brought to where it would be.
    fn look_for(&self, timeline: &OpenTimeline, seq: Seq) -> bool {
        let Some(head) = timeline.head.filter(|_| !timeline.loading_older) else { return false };
        let missing = |row: &Row| matches!(row, Row::Gap { after, before, .. } if *after < seq && before.is_none_or(|before| seq < before));
        let before_all = timeline.first.is_none_or(|first| seq < first) && timeline.has_older;
        if seq <= head
            && (timeline.rows.is_empty() || before_all || timeline.rows.iter().any(|row| missing(row)))
        {
            return false;
        }
        self.app.missed();
        let near = timeline.rows.iter().rposition(|row| row_begins(row).is_some_and(|begins| begins <= seq));
        match near.filter(|_| seq <= head) {
            Some(near) => self.go_to(near, self.target_top()),
            None => return false,
        }
        true
    }

    /// Brings a row to stand so far below the view's upper edge, and keeps it there until the reader scrolls.
    fn go_to(&self, place: usize, top: f64) {
        let (key, rows) = {
            let timeline = self.timeline.borrow();
            let Some(row) = timeline.rows.get(place) else { return };
            (row.key(), timeline.rows.len())
        };
        self.entering.set(false);
        self.leave_end();
        let window = self.window.get();
        if !(window.start..window.end).contains(&place) {
            self.window.set(RowWindow::around(place, rows));
            self.show();
        }
        *self.placing.borrow_mut() = Some(Anchor { key, top });
        self.settle();
    }

    /// To the oldest message there is.
    pub(crate) fn to_oldest(&self) {
        let timeline = self.timeline.borrow().clone();
        let Some(room) = timeline.room else { return };
        if timeline.has_older {
            self.oldest_due.set(true);
            self.app.intend(Intent::Show { room, seq: Seq::ZERO.next() });
        } else if !timeline.rows.is_empty() {
            self.go_to(0, 0.0);
        }
    }

    /// To the oldest message, once it is loaded. Answers whether it went there.
    pub(super) fn to_oldest_loaded(&self) -> bool {
        let loaded = {
            let timeline = self.timeline.borrow();
            !timeline.rows.is_empty() && !timeline.has_older
        };
        let go = self.oldest_due.get() && loaded;
        if go {
            self.oldest_due.set(false);
            self.go_to(0, 0.0);
        }
        go
    }

    /// Keeps the reader's place in the room that is about to be left.
    pub(super) fn keep_place(&self) {
        let Some(room) = self.timeline.borrow().room.clone() else { return };
        let Some(left_at) = self.left_at.get().filter(|_| !self.following.get()) else { return };
        self.note_anchor();
        if let Some(anchor) = self.anchor.borrow().clone() {
            self.places.borrow_mut().keep(room, Place { anchor, left_at });
        }
    }

    /// Back to where the reader was in this room, where that is still loaded.
    pub(super) fn to_kept_place(&self) -> bool {
        let Some(room) = self.timeline.borrow().room.clone() else { return false };
        let Some(place) = self.places.borrow_mut().take(&room) else { return false };
        let at = self.timeline.borrow().rows.iter().position(|row| row.key() == place.anchor.key);
        let Some(at) = at else { return false };
        self.go_to(at, place.anchor.top);
        self.left_at.set(Some(place.left_at));
        self.count_below();
        true
    }
}

fn row_has(row: &Row, seq: Seq) -> bool {
    matches!(row, Row::Message { seq: Some(at), .. } if *at == seq)
}

/// The first event of a row that has events.
fn row_begins(row: &Row) -> Option<Seq> {
    match row {
        Row::Message { seq, .. } => *seq,
        Row::Members { key: RowKey::Seq(seq), .. } | Row::Created { key: RowKey::Seq(seq), .. } => Some(*seq),
        _ => None,
    }
}

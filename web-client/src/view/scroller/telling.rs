//! What the reader is told besides the rows: what has come below, and, for a screen reader, what was said.

use std::sync::Arc;

use leptos::prelude::*;
use teahouse_client_core::Row;
use teahouse_protocol::Seq;

use super::Scroller;
use crate::i18n::Phrase;
use crate::model::put;
use crate::row_window::ROWS_MAX;

/// The most new messages that a screen reader is given one by one; more are counted.
const SPOKEN_MAX: usize = 3;

impl Scroller {
    pub(super) fn count_below(&self) {
        let Some(left_at) = self.left_at.get() else { return };
        let timeline = self.timeline.borrow();
        let newer = timeline.rows.iter().rev().map_while(|row| match &**row {
            Row::Message { seq: Some(seq), .. } if *seq <= left_at => None,
            Row::Message { seq: Some(_), mine: false, .. } => Some(1),
            _ => Some(0),
        });
        put(self.below, newer.sum());
    }

    pub(super) fn tell_at_bottom(&self) {
        let placed_at_end = || {
            let placed = self.placing.borrow().is_some();
            placed && self.view.get_untracked().is_some_and(|view| self.is_at_end(&view))
        };
        put(self.app.at_bottom, self.following.get() || placed_at_end());
    }

    /// Tells a screen reader of what others have written since the last time; of a room just opened nothing.
    pub(super) fn speak(&self, rows: &[Arc<Row>]) {
        let Some(newest) = newest(rows) else { return };
        let Some(spoken_to) = self.spoken_to.replace(Some(newest)) else { return };
        let new: Vec<String> = rows
            .iter()
            .rev()
            .take(ROWS_MAX)
            .filter_map(|row| match &**row {
                Row::Message { seq: Some(seq), by, text, mine: false, .. } if *seq > spoken_to => {
                    let text = teahouse_client_core::display_name(text);
                    Some(self.app.phrase_untracked(&Phrase::Says { by: by.as_str(), text: &text }))
                }
                _ => None,
            })
            .collect();
        if new.len() > SPOKEN_MAX {
            self.spoken.set(self.app.phrase_untracked(&Phrase::ManyNew(new.len())));
        } else if !new.is_empty() {
            self.spoken.set(new.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
    }
}

/// The newest message of a list.
pub(super) fn newest(rows: &[Arc<Row>]) -> Option<Seq> {
    rows.iter().rev().find_map(|row| match &**row {
        Row::Message { seq, .. } => *seq,
        _ => None,
    })
}

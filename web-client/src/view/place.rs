//! Where a reader is in a timeline.

use std::collections::BTreeMap;

use teahouse_client_core::RowKey;
use teahouse_protocol::{RoomName, Seq};
use web_sys::Element;

/// The most rooms whose places are kept.
const PLACES_MAX: usize = 50;

/// A row and where its upper edge stood, in pixels below the view's.
#[derive(Debug, Clone)]
pub(crate) struct Anchor {
    /// Which row.
    pub(crate) key: RowKey,
    /// Where.
    pub(crate) top: f64,
}

/// Where the reader was when another room was opened, away from the end.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// What they saw.
    pub(crate) anchor: Anchor,
    /// The newest message when they left the end.
    pub(crate) left_at: Seq,
}

/// The places in rooms that are not open.
#[derive(Debug, Default)]
pub(crate) struct Places(BTreeMap<RoomName, Place>);

impl Places {
    /// Keeps the place in a room.
    pub(crate) fn keep(&mut self, room: RoomName, place: Place) {
        if self.0.len() >= PLACES_MAX {
            self.0.clear();
        }
        self.0.insert(room, place);
    }

    /// The place in a room, once.
    pub(crate) fn take(&mut self, room: &RoomName) -> Option<Place> {
        self.0.remove(room)
    }
}

/// Where a row's upper edge stands, in pixels below the view's. Dividers stick to the view's edge; what counts is where they
/// would be.
pub(crate) fn top_in(view: &Element, row: &Element) -> f64 {
    let edge = view.get_bounding_client_rect().top();
    let own = row.get_bounding_client_rect();
    match row.next_element_sibling() {
        Some(next) if sticks(row) && !sticks(&next) => {
            next.get_bounding_client_rect().top() - own.height() - edge
        }
        _ => own.top() - edge,
    }
}

/// Whether a row stays in view when it is scrolled past.
pub(crate) fn sticks(row: &Element) -> bool {
    row.class_list().contains("divider")
}

//! The ends of the rows in the page: the run of them moves along with the reader, and pages are asked for in time.

use std::ops::Range;

use leptos::prelude::*;
use teahouse_client_core::{Intent, Row};
use teahouse_protocol::RoomName;
use web_sys::Element;

use super::super::place::top_in;
use super::Scroller;
use crate::clock;
use crate::row_window::RowWindow;

/// A reader who comes so near to the oldest loaded row, in rows that are not in the page, is given older ones.
const ROWS_AHEAD: usize = 48;

impl Scroller {
    /// Near an end of the rows in the page: moves on, or asks for older ones.
    pub(super) fn load_at_edges(&self, view: &Element) {
        let height = f64::from(view.client_height());
        let margin = height.clamp(400.0, 1_000.0);
        // Early enough that whoever scrolls fast seldom needs two steps in a frame.
        let ahead = margin * 2.0;
        let top = f64::from(view.scroll_top());
        let below = f64::from(view.scroll_height()) - height - top;
        let window = self.window.get();
        let (rows, idle, oldest, room) = {
            let timeline = self.timeline.borrow();
            let oldest = timeline.first.filter(|_| timeline.has_older);
            (timeline.rows.len(), !timeline.loading_older, oldest, timeline.room.clone())
        };
        let Some(room) = room else { return };
        let at_start = top < margin && window.start == 0;
        if top < ahead && window.start > 0 && (self.moving_up.get() || top < 1.0) {
            self.move_on(window.up(), top < 1.0);
        } else if below < ahead && window.end < rows && !self.moving_up.get() {
            self.move_on(window.down(rows), below < 1.0);
        }
        if !idle {
            return;
        }
        // Early enough for a page to come in a frame in which no row comes into the page.
        let near_start = window.start < ROWS_AHEAD && self.moving_up.get() && !self.following.get();
        let older = oldest.map(|seq| Intent::LoadBefore { room: room.clone(), seq });
        let load = match older {
            Some(older) if at_start => Some(older),
            older => self
                .load_near_gap(view, &room, -margin..height + margin)
                .or_else(|| older.filter(|_| near_start)),
        };
        if let Some(load) = load {
            self.app.intend(load);
        }
    }

    /// Moves the rows in the page on, where this frame has time for that. Where there is nothing left to see, it cannot wait.
    fn move_on(&self, to: RowWindow, at_once: bool) {
        if self.frame_is_free() || at_once {
            return self.move_window(to);
        }
        if !self.look_due.replace(true) {
            let this = self.this.clone();
            request_animation_frame(move || {
                let Some(this) = this.upgrade() else { return };
                this.look_due.set(false);
                if let Some(view) = this.view.try_get_untracked().flatten() {
                    this.load_at_edges(&view);
                }
            });
        }
    }

    /// Whether rows may be moved on in this frame, which is told once: no more than that fits into a frame. So one that takes a
    /// page of history leaves it to the next, which does not wait, whatever comes: else nobody could scroll in a busy room.
    fn frame_is_free(&self) -> bool {
        let Some(frame) = clock::frame_time() else { return true };
        let (last, moved) = self.moved_in.get();
        let free = last != frame && !(moved && self.app.is_refresh_due());
        if last != frame {
            self.moved_in.set((frame, free));
        }
        free
    }

    /// What closes a gap that is near, from the side on which the reader is.
    fn load_near_gap(&self, view: &Element, room: &RoomName, near: Range<f64>) -> Option<Intent> {
        let middle = near.start.midpoint(near.end);
        let RowWindow { start, end } = self.window.get();
        self.timeline.borrow().rows.get(start..end)?.iter().find_map(|row| {
            let Row::Gap { key, after, before, .. } = &**row else { return None };
            let top = top_in(view, &self.find(*key)?);
            near.contains(&top).then(|| match before {
                Some(_) if top > middle => Intent::LoadAfter { room: room.clone(), seq: *after },
                Some(before) => Intent::LoadBefore { room: room.clone(), seq: *before },
                None => Intent::LoadOlder(room.clone()),
            })
        })
    }
}

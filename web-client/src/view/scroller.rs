//! Keeps the reader's place in a timeline whose rows come, go and change their height.
//!
//! Before rows change, the row at the upper edge is noted with its distance from that edge; after they have changed, and
//! before the browser paints, the view scrolls so that it stands there again. Observers call for the latter, so that the
//! cause does not matter: a page of history, a picture, a narrower window, the keyboard of a phone. A reader at the end
//! is kept at the end instead.

mod edges;
mod going;
mod telling;

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use leptos::html;
use leptos::prelude::*;
use teahouse_client_core::{Row, RowKey};
use teahouse_protocol::{RoomName, Seq};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, MutationObserver, MutationObserverInit, ResizeObserver};

use super::message::{key_from_text, key_text};
use super::place::{Anchor, Places, sticks, top_in};
use crate::app::App;
use crate::clock;
use crate::model::{Keyed, OpenTimeline, put};
use crate::row_window::{RowWindow, correction};
use telling::newest;

/// So near to the end, in pixels, counts as being there.
const END_PX: f64 = 32.0;
/// Where a message that the address names, or the unread line, comes to stand: this share of the view's height from its
/// upper edge.
const TARGET_SHARE: f64 = 0.3;
struct Observers {
    mutation: MutationObserver,
    resize: ResizeObserver,
    _settle: Closure<dyn FnMut()>,
}

/// The state of a timeline on the screen.
pub(crate) struct Scroller {
    app: App,
    view: NodeRef<html::Div>,
    content: NodeRef<html::Div>,
    timeline: RefCell<OpenTimeline>,
    window: Cell<RowWindow>,
    anchor: RefCell<Option<Anchor>>,
    /// A row that is to stand at its place, whatever comes above it, until the reader scrolls.
    placing: RefCell<Option<Anchor>>,
    /// Where the reader was in rooms that are not open.
    places: RefCell<Places>,
    /// The reader wants to see what comes.
    following: Cell<bool>,
    /// The room has just been opened: the reader has not yet been brought to the unread line.
    entering: Cell<bool>,
    last_top: Cell<f64>,
    moving_up: Cell<bool>,
    /// The frame in which the view scrolled last.
    scrolled_in: Cell<Option<f64>>,
    /// The reader wants to see the oldest message, which is on its way.
    oldest_due: Cell<bool>,
    /// The newest message when the reader left the end.
    left_at: Cell<Option<Seq>>,
    /// The last frame in which the rows in the page were to be moved on, and whether they were.
    moved_in: Cell<(f64, bool)>,
    /// The edges are looked at again in the next frame.
    look_due: Cell<bool>,
    /// The newest message that a screen reader need not be told.
    spoken_to: Cell<Option<Seq>>,
    observers: RefCell<Option<Observers>>,
    /// The rows in the page.
    pub(crate) shown: Keyed<RowKey, Arc<Row>>,
    /// The message that the address names.
    pub(crate) marked: RwSignal<Option<Seq>>,
    /// How many messages have come below since the reader left the end.
    pub(crate) below: RwSignal<u64>,
    /// What a screen reader is told.
    pub(crate) spoken: RwSignal<String>,
    this: Weak<Self>,
}

impl Scroller {
    /// Nothing is shown yet.
    pub(crate) fn new(app: App, view: NodeRef<html::Div>, content: NodeRef<html::Div>) -> Rc<Self> {
        Rc::new_cyclic(|this| Self {
            app,
            view,
            content,
            timeline: RefCell::default(),
            window: Cell::default(),
            anchor: RefCell::default(),
            placing: RefCell::default(),
            places: RefCell::default(),
            following: Cell::new(true),
            entering: Cell::new(true),
            last_top: Cell::new(0.0),
            moving_up: Cell::new(false),
            scrolled_in: Cell::new(None),
            oldest_due: Cell::new(false),
            left_at: Cell::new(None),
            moved_in: Cell::default(),
            look_due: Cell::new(false),
            spoken_to: Cell::new(None),
            observers: RefCell::default(),
            shown: Keyed::new(),
            marked: RwSignal::new(None),
            below: RwSignal::new(0),
            spoken: RwSignal::new(String::new()),
            this: this.clone(),
        })
    }

    /// The elements are there: what happens to their rows and sizes is watched from now on.
    pub(crate) fn watch(&self, view: &Element, content: &Element) {
        let this = self.this.clone();
        let settle = Closure::<dyn FnMut()>::new(move || {
            if let Some(this) = this.upgrade() {
                this.settle();
            }
        });
        let function = settle.as_ref().unchecked_ref();
        let (Ok(mutation), Ok(resize)) = (MutationObserver::new(function), ResizeObserver::new(function))
        else {
            return;
        };
        let options = MutationObserverInit::new();
        options.set_child_list(true);
        let _ = mutation.observe_with_options(content, &options);
        resize.observe(view);
        resize.observe(content);
        *self.observers.borrow_mut() = Some(Observers { mutation, resize, _settle: settle });
    }

    /// The elements are going away.
    pub(crate) fn unwatch(&self) {
        if let Some(observers) = self.observers.take() {
            observers.mutation.disconnect();
            observers.resize.disconnect();
        }
    }

    /// The timeline has changed, or another room is open.
    pub(crate) fn take(&self, timeline: OpenTimeline) {
        let rows = &timeline.rows;
        let room = &timeline.room;
        let same_room = self.timeline.borrow().room == *room;
        let window = if same_room {
            self.note_anchor();
            self.relocated(rows)
        } else {
            self.keep_place();
            self.enter(room.as_ref());
            RowWindow::tail(rows.len())
        };
        let window = if self.entering.get() { with_unread(window, rows) } else { window };
        self.window.set(window);
        self.speak(rows);
        *self.timeline.borrow_mut() = timeline;
        let changed = self.show();
        let found = self.to_target() || self.to_oldest_loaded() || (!same_room && self.to_kept_place());
        // Where rows have come and none of those in the page has gone, nobody else would go on.
        if same_room
            && !changed
            && !found
            && !self.following.get()
            && let Some(view) = self.view.get_untracked()
        {
            self.load_at_edges(&view);
        }
    }

    /// The reader moves by themselves from now on.
    fn stop_placing(&self) {
        self.placing.take();
        self.oldest_due.set(false);
    }

    fn enter(&self, room: Option<&RoomName>) {
        self.anchor.take();
        self.stop_placing();
        self.following.set(true);
        self.entering.set(true);
        self.moving_up.set(false);
        self.left_at.set(None);
        self.spoken_to.set(None);
        let marked = self.app.target.with_untracked(|target| {
            target.as_ref().filter(|target| Some(&target.room) == room).and_then(|target| target.seq)
        });
        put(self.marked, marked);
    }

    /// Where the rows in the page are in the new list.
    fn relocated(&self, rows: &[Arc<Row>]) -> RowWindow {
        let window = self.window.get();
        let old = self.timeline.borrow();
        // What is looked for stands near the end, more often than not.
        let place = |key: RowKey| rows.iter().rposition(|row| row.key() == key);
        let place_of = |index: usize| old.rows.get(index).and_then(|row| place(row.key()));
        // Only messages stay what they are: dividers move, and membership lines run together.
        let is_message =
            |index: &usize| matches!(old.rows.get(*index).map(|row| &**row), Some(Row::Message { .. }));
        let mut messages = (window.start..window.end).filter(is_message);
        let first = messages.find_map(|index| Some(place_of(index)?.saturating_sub(index - window.start)));
        let last = (window.start..window.end).rev().filter(is_message).find_map(place_of);
        let last = if window.end >= old.rows.len() { rows.len().checked_sub(1).or(last) } else { last };
        let placing = self.placing.borrow().as_ref().map(|placing| place(placing.key));
        if placing == Some(None) {
            self.stop_placing();
        }
        let placing = placing.flatten();
        let anchor = placing.or_else(|| self.anchor.borrow().as_ref().and_then(|anchor| place(anchor.key)));
        window.relocate(first, last, anchor, rows.len(), self.following.get())
    }

    /// Puts the rows of the window into the page. Answers whether others stand there now.
    fn show(&self) -> bool {
        let timeline = self.timeline.borrow();
        let RowWindow { start, end } = self.window.get();
        let changed = self.shown.update(timeline.rows[start..end].iter().map(|row| (row.key(), row.clone())));
        self.count_below();
        self.tell_at_bottom();
        changed
    }

    fn move_window(&self, to: RowWindow) {
        if self.window.get() != to {
            self.note_anchor();
            self.window.set(to);
            self.show();
        }
    }

    /// Notes the first row that is in view, with its place.
    fn note_anchor(&self) {
        let (Some(view), Some(content)) = (self.view.get_untracked(), self.content.get_untracked()) else {
            return;
        };
        let edge = view.get_bounding_client_rect().top();
        let rows = content.children();
        // Rows stand below each other, but for those that stick: halve the search.
        let (mut low, mut high) = (0, rows.length());
        while low < high {
            let middle = low.midpoint(high);
            let stands = (middle..high)
                .find_map(|index| rows.item(index).filter(|row| !sticks(row)).map(|row| (index, row)));
            match stands {
                Some((index, row)) if row.get_bounding_client_rect().bottom() <= edge => low = index + 1,
                _ => high = middle,
            }
        }
        // Dividers move when older rows come in before them: the first message is the better mark.
        let message =
            (low..rows.length()).find_map(|index| rows.item(index).filter(|row| row.tag_name() == "ARTICLE"));
        let anchor = message.or_else(|| rows.item(low)).and_then(|row| {
            let top = top_in(&view, &row);
            Some(Anchor { key: key_from_text(&row.get_attribute("data-key")?)?, top })
        });
        *self.anchor.borrow_mut() = anchor;
    }

    /// The last message that is wholly or partly in view.
    pub(crate) fn last_in_view(&self) -> Option<Element> {
        let view = self.view.get_untracked()?.get_bounding_client_rect();
        let messages = self.content.get_untracked()?.query_selector_all("article").ok()?;
        let seen = |message: &Element| {
            let message = message.get_bounding_client_rect();
            message.top() < view.bottom() && message.bottom() > view.top()
        };
        (0..messages.length()).rev().filter_map(|index| messages.item(index)?.dyn_into().ok()).find(seen)
    }

    /// Rows or sizes have changed: brings the reader back to where they were. Runs before the browser paints.
    fn settle(&self) {
        let Some(view) = self.view.get_untracked() else { return };
        if self.entering.get() && self.settle_entering(&view) {
            return;
        }
        if let Some(placing) = self.placing.borrow().clone() {
            // Rows that have yet to come into the page are settled when they are there.
            let Some(row) = self.find(placing.key) else { return };
            if let Some(delta) = correction(placing.top, top_in(&view, &row)) {
                view.scroll_by_with_x_and_y(0.0, delta);
            }
        } else if self.following.get() {
            view.set_scroll_top(view.scroll_height());
        } else if let Some(anchor) = &*self.anchor.borrow()
            && let Some(row) = self.find(anchor.key)
            && let Some(delta) = correction(anchor.top, top_in(&view, &row))
        {
            view.scroll_by_with_x_and_y(0.0, delta);
        }
        self.last_top.set(f64::from(view.scroll_top()));
        self.tell_at_bottom();
        self.load_at_edges(&view);
    }

    /// The first time that a room's rows are there: to the unread line, if the unread rows are more than the view holds.
    fn settle_entering(&self, view: &Element) -> bool {
        if self.content.get_untracked().is_none_or(|content| content.child_element_count() == 0) {
            return false;
        }
        self.entering.set(false);
        let Some(line) = self.find(RowKey::Unread) else { return false };
        view.set_scroll_top(view.scroll_height());
        let top = top_in(view, &line);
        if top >= 0.0 {
            return false;
        }
        let wanted = f64::from(view.client_height()) * TARGET_SHARE;
        view.scroll_by_with_x_and_y(0.0, top - wanted);
        self.leave_end();
        self.note_anchor();
        self.last_top.set(f64::from(view.scroll_top()));
        self.tell_at_bottom();
        true
    }

    /// The view has scrolled, whoever did it.
    pub(crate) fn on_scroll(&self) {
        let Some(view) = self.view.get_untracked() else { return };
        let top = f64::from(view.scroll_top());
        let moved = top - self.last_top.replace(top);
        if moved != 0.0 {
            // Whatever this program scrolls has been noted already.
            self.stop_placing();
            self.moving_up.set(moved < 0.0);
            self.scrolled_in.set(clock::frame_time());
        }
        if self.placing.borrow().is_some() {
            // The reader is where they asked to be, be it at the end.
        } else if self.is_at_end(&view) {
            self.following.set(true);
            self.left_at.set(None);
            put(self.below, 0);
        } else if moved < 0.0 && self.following.get() {
            self.leave_end();
        }
        self.note_anchor();
        self.tell_at_bottom();
        self.load_at_edges(&view);
    }

    /// Whether the view has scrolled in this frame.
    pub(crate) fn scrolls(&self) -> bool {
        self.scrolled_in.get().is_some_and(|frame| clock::frame_time() == Some(frame))
    }

    fn is_at_end(&self, view: &Element) -> bool {
        let below = f64::from(view.scroll_height() - view.client_height()) - f64::from(view.scroll_top());
        below <= END_PX && self.window.get().end == self.timeline.borrow().rows.len()
    }

    fn leave_end(&self) {
        self.following.set(false);
        self.left_at.set(Some(newest(&self.timeline.borrow().rows).unwrap_or(Seq::ZERO)));
    }

    /// The row of this key, as it is now.
    pub(crate) fn row(&self, key: RowKey) -> Option<Arc<Row>> {
        self.timeline.borrow().rows.iter().rfind(|row| row.key() == key).cloned()
    }

    fn find(&self, key: RowKey) -> Option<Element> {
        let window = self.window.get();
        let timeline = self.timeline.borrow();
        // Only a row that stands in the page can be found there.
        timeline.rows.get(window.start..window.end)?.iter().rfind(|row| row.key() == key)?;
        let selector = format!("[data-key='{}']", key_text(key));
        self.content.get_untracked()?.query_selector(&selector).ok().flatten()
    }
}

/// The window, begun earlier where the unread line would be outside it.
fn with_unread(window: RowWindow, rows: &[Arc<Row>]) -> RowWindow {
    match rows.iter().position(|row| matches!(**row, Row::Unread)) {
        Some(line) if line < window.start => RowWindow::around(line, rows.len()),
        _ => window,
    }
}

//! The window around the page: its title and address follow the model, and what happens to it is told to the brain.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use teahouse_client_core::{Input, Intent};
use teahouse_protocol::RoomName;

use super::{App, Dialog, Drawer};
use crate::i18n::Text;
use crate::model::{Link, put};
use crate::page;

/// How often the list of the server's rooms is asked for while the user looks at the page, in milliseconds: no push tells
/// of new ones.
const ROOMS_EVERY_MS: u64 = 60_000;

impl App {
    /// Title, icon, theme, language, address and the brain's attention follow the model.
    pub(super) fn keep_page_up_to_date(self) {
        let model = self.model;
        Effect::new(move || page::set_theme(self.theme.get()));
        Effect::new(move || page::set_lang(self.lang.get()));
        // Who is known is in the chat even without a link; who had to choose a name, once it is taken.
        Effect::new(move || match model.link.get() {
            Link::NeedsName(_) => put(self.entered, false),
            Link::Online => {
                put(self.entered, true);
                // Whoever comes after the user has signed out is not shown who that was.
                put(self.typed_name, String::new());
            }
            _ => {}
        });
        // Other tabs are the same person, and so in the same rooms.
        Effect::new(move |earlier: Option<Vec<RoomName>>| {
            let rooms = model.rooms.keys();
            if earlier.is_some_and(|earlier| earlier != rooms) {
                self.driver.with_value(|driver| driver.say_rooms());
            }
            rooms
        });
        Effect::new(move || {
            let totals = model.totals.get();
            let room = model.active.get();
            page::set_title(room.as_ref(), totals.unread, self.say(Text::Brand));
        });
        Effect::new(move || {
            page::set_badge(
                Memo::new(move |_| {
                    let totals = model.totals.get();
                    (totals.unread > 0, totals.mentions)
                })
                .get(),
            )
        });
        self.covering.keep_history_up_to_date();
        // Whoever looks for a room sees the rooms there are.
        Effect::new(move || {
            if self.drawer.get() == Some(Drawer::Rooms) || self.dialog.get() == Some(Dialog::Switcher) {
                self.intend(Intent::RefreshRooms);
            }
        });
        Effect::new(move |earlier: Option<Option<RoomName>>| {
            let room = model.active.get();
            match (&room, earlier.flatten()) {
                (Some(room), earlier) => page::set_address_room(room, earlier.is_none()),
                // Loading the page again must not lead back into a room that the user has left.
                (None, Some(_)) => page::clear_address(),
                (None, None) => {}
            }
            room
        });
        Effect::new(move || {
            self.at_bottom.track();
            self.give_attention();
        });
    }

    /// A list that has become a column is no drawer any more.
    fn follow_width(self) {
        let drawers = page::drawers();
        put(self.drawers, drawers);
        let is_drawer = |drawer| match drawer {
            Drawer::Rooms => drawers.rooms,
            Drawer::Members => drawers.members,
        };
        if self.drawer.get_untracked().is_some_and(|drawer| !is_drawer(drawer)) {
            put(self.drawer, None);
        }
    }

    fn refresh_rooms(self) {
        if page::has_attention() {
            self.intend(Intent::RefreshRooms);
        }
    }

    pub(super) fn give_attention(self) {
        let attention =
            Input::Attention { focused: page::has_attention(), at_bottom: self.at_bottom.get_untracked() };
        self.driver.with_value(|driver| driver.take(attention));
    }

    /// What happens to the window.
    pub(super) fn listen(self) {
        let woke = move || self.driver.with_value(|driver| driver.take(Input::Woke));
        window_event_listener(ev::online, move |_| woke());
        window_event_listener(ev::pageshow, move |event| {
            if event.persisted() {
                page::reload();
            }
        });
        window_event_listener(ev::pagehide, move |_| self.driver.with_value(|driver| driver.leave()));
        window_event_listener(ev::offline, move |_| {
            self.driver.with_value(|driver| driver.take(Input::WentOffline))
        });
        window_event_listener(ev::focus, move |_| {
            self.give_attention();
            self.refresh_rooms();
        });
        set_interval(move || self.refresh_rooms(), Duration::from_millis(ROOMS_EVERY_MS));
        window_event_listener(ev::blur, move |_| self.give_attention());
        page::on_visibility_change(move || {
            self.give_attention();
            if page::is_hidden() {
                // No frame will be drawn for what is still due.
                self.driver.with_value(|driver| {
                    driver.keep_now();
                    driver.refresh();
                });
            } else {
                woke();
                self.driver.with_value(|driver| driver.look());
            }
        });
        window_event_listener(ev::popstate, move |_| {
            if self.covering.came_through_history() {
                self.go_to_address();
            }
        });
        window_event_listener(ev::resize, move |_| self.follow_width());
        window_event_listener(ev::storage, move |_| self.take_settings());
        crate::files::catch(move || self.model.files_refused());
        window_event_listener(ev::keydown, move |event| crate::keys::on_keydown(self, &event));
        page::follow_visual_viewport();
    }
}

//! The rooms in the list: those the user is in, those there are besides, and which of them are out of sight.

use leptos::html;
use leptos::prelude::*;
use teahouse_protocol::RoomName;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

use super::icon::{Icon, icon};
use super::shown::shown;
use crate::app::App;
use crate::i18n::{Phrase, Text};
use crate::model::{Keyed, RoomLine, put};
use crate::room_search::fits;

/// What the lines of the list have in common; a copy is the same list.
#[derive(Clone, Copy)]
pub(crate) struct RoomList {
    app: App,
    /// What a room's name has to fit.
    pub(crate) filter: RwSignal<String>,
    /// The room that Tab leads to: the open one, or the first.
    pub(crate) entry: Memo<Option<RoomName>>,
    /// Whether the filter leaves no room.
    pub(crate) nothing: Memo<bool>,
}

impl RoomList {
    /// A list without a filter, in which the other rooms stand while `browsing`.
    pub(crate) fn new(app: App, browsing: RwSignal<bool>) -> Self {
        let model = app.model;
        let filter = RwSignal::new(String::new());
        let listed = Memo::new(move |_| {
            let others = if browsing.get() { model.other_rooms.keys() } else { Vec::new() };
            let active = model.active.get();
            let visited =
                active.filter(|active| !others.contains(active) && is_in(model.other_rooms, active));
            let all = model.rooms.keys().into_iter().chain(visited).chain(others);
            filter.with(|word| all.filter(|name| fits(name, word)).collect::<Vec<_>>())
        });
        let entry = Memo::new(move |_| {
            let active = model.active.get();
            listed.with(|listed| {
                active.filter(|active| listed.contains(active)).or_else(|| listed.first().cloned())
            })
        });
        let nothing = Memo::new(move |_| listed.with(Vec::is_empty) && !filter.with(String::is_empty));
        Self { app, filter, entry, nothing }
    }

    /// Whether the user is no member of this room.
    pub(crate) fn is_other(self, room: &RoomName) -> bool {
        is_in(self.app.model.other_rooms, room)
    }

    /// The user's rooms.
    pub(crate) fn joined(self) -> AnyView {
        self.lines(self.app.model.rooms)
    }

    /// All other rooms.
    pub(crate) fn others(self) -> AnyView {
        self.lines(self.app.model.other_rooms)
    }

    /// The open room, where the user is no member.
    pub(crate) fn visited(self) -> AnyView {
        let others = self.app.model.other_rooms;
        let slots = move || {
            let active = self.app.model.active.get();
            others.slots().into_iter().filter(|slot| Some(&slot.0) == active.as_ref()).collect::<Vec<_>>()
        };
        view! {
            <ul class="room-list">
                <For each=slots key=|slot| slot.0.clone() let:slot>
                    <li>{line(self, slot.0, slot.1)}</li>
                </For>
            </ul>
        }
        .into_any()
    }

    fn lines(self, rooms: Keyed<RoomName, RoomLine>) -> AnyView {
        view! {
            <ul class="room-list">
                <For each=move || rooms.slots() key=|slot| slot.0.clone() let:slot>
                    {self.item(slot.0, slot.1)}
                </For>
            </ul>
        }
        .into_any()
    }

    fn item(self, name: RoomName, room: ArcRwSignal<RoomLine>) -> AnyView {
        let this = name.clone();
        let hidden = Memo::new(move |_| self.filter.with(|word| !fits(&this, word)));
        view! { <li hidden=move || hidden.get()>{line(self, name, room)}</li> }.into_any()
    }
}

fn is_in(rooms: Keyed<RoomName, RoomLine>, room: &RoomName) -> bool {
    rooms.keys().contains(room)
}

/// A room in the list.
fn line(list: RoomList, name: RoomName, line: ArcRwSignal<RoomLine>) -> AnyView {
    let app = list.app;
    let model = app.model;
    let this = name.clone();
    let is_active = Memo::new(move |_| model.active.with(|active| active.as_ref() == Some(&this)));
    // One room is reached by Tab, the others from there by arrows.
    let this = name.clone();
    let is_entry = Memo::new(move |_| list.entry.with(|entry| entry.as_ref() == Some(&this)));
    let line = Memo::new(move |_| line.get());
    let counts = move || {
        let line = line.get();
        let unread = (line.unread > 0).then(|| app.phrase(&Phrase::Unread(line.unread)));
        let mentions = (line.mentions > 0).then(|| app.phrase(&Phrase::Mentions(line.mentions)));
        [unread, mentions].into_iter().flatten().collect::<Vec<_>>().join(" · ")
    };
    let badge_class = move || if line.get().mentions > 0 { "badge mention" } else { "badge" };
    let badge_text = move || match line.get() {
        RoomLine { mentions: 0, unread, .. } => capped(unread),
        RoomLine { mentions, .. } => format!("@{}", capped(mentions)),
    };
    let badge = move || {
        view! {
            <span class="sr">{counts}</span>
            <span class=badge_class aria-hidden="true">{badge_text}</span>
        }
    };
    let drafted = move || line.get().drafted && !is_active.get();
    let draft = move || {
        view! {
            {icon(Icon::Pencil)}
            <span class="sr">{app.text(Text::Draft)}</span>
        }
    };
    let text = name.to_string();
    let data = text.clone();
    let title = text.clone();
    view! {
        <button
            type="button"
            class="room"
            data-testid="room"
            data-room=data
            title=title
            data-unread=move || line.get().unread.to_string()
            data-mentions=move || line.get().mentions.to_string()
            data-joined=move || line.get().joined.to_string()
            aria-current=move || is_active.get().then_some("page")
            tabindex=move || if is_entry.get() { "0" } else { "-1" }
            on:click=move |_| app.open(name.clone())
        >
            <span class="room-mark" aria-hidden="true">"#"</span>
            <span class="room-name">{text}</span>
            {shown(drafted, draft)} {shown(move || line.get().unread > 0, badge)}
        </button>
    }
    .into_any()
}

fn capped(count: u64) -> String {
    if count > 99 { "99+".to_owned() } else { count.to_string() }
}

/// What of the list is in sight: the open room always when it becomes that, and where mentions are when they are not.
#[derive(Clone, Copy)]
pub(crate) struct Sights {
    app: App,
    /// The element that scrolls.
    pub(crate) view: NodeRef<html::Div>,
    above: RwSignal<u64>,
    below: RwSignal<u64>,
    look_due: StoredValue<bool>,
    /// The list is another one since the last look.
    changed: StoredValue<bool>,
    /// The open room that was in sight at the last look: it stays so when the list changes.
    in_sight: StoredValue<Option<RoomName>>,
    /// The room that was open at the last look.
    opened: StoredValue<Option<RoomName>>,
}

impl Sights {
    /// Follows the list from now on.
    pub(crate) fn new(app: App) -> Self {
        let sights = Self {
            app,
            view: NodeRef::new(),
            above: RwSignal::new(0),
            below: RwSignal::new(0),
            look_due: StoredValue::new(false),
            changed: StoredValue::new(false),
            in_sight: StoredValue::new(None),
            opened: StoredValue::new(None),
        };
        let model = app.model;
        Effect::new(move || {
            model.totals.track();
            model.active.track();
            app.drawers.track();
            app.drawer.track();
            let _ = (model.rooms.len(), model.other_rooms.len());
            sights.changed.set_value(true);
            sights.look();
        });
        sights
    }

    /// Looks in the next frame, when the list is drawn.
    pub(crate) fn look(self) {
        // The list may have gone, and scrolled just before.
        if self.look_due.try_update_value(|due| std::mem::replace(due, true)) != Some(false) {
            return;
        }
        request_animation_frame(move || {
            // The page may have gone meanwhile.
            if self.look_due.try_set_value(false).is_none() {
                self.look_now();
            }
        });
    }

    fn look_now(self) {
        let Some(view) = self.view.try_get_untracked().flatten() else { return };
        self.follow_open_room(&view);
        let seen = view.get_bounding_client_rect();
        let (mut above, mut below) = (0, 0);
        for (room, mentions) in mentioning(&view) {
            let room = room.get_bounding_client_rect();
            if room.bottom() <= seen.top() + 1.0 {
                above += mentions;
            } else if room.top() >= seen.bottom() - 1.0 {
                below += mentions;
            }
        }
        put(self.above, above);
        put(self.below, below);
    }

    fn follow_open_room(self, view: &Element) {
        let active = self.app.model.active.get_untracked();
        let Some(room) = view.query_selector(".room[aria-current='page']").ok().flatten() else { return };
        let changed = self.changed.get_value();
        self.changed.set_value(false);
        let newly = self.opened.with_value(|opened| *opened != active);
        let was_in_sight = self.in_sight.with_value(|in_sight| *in_sight == active);
        if newly || (changed && was_in_sight) {
            to_nearest(&room);
        }
        let (seen, own) = (view.get_bounding_client_rect(), room.get_bounding_client_rect());
        let in_sight = own.top() < seen.bottom() && own.bottom() > seen.top();
        self.in_sight.set_value(active.clone().filter(|_| in_sight));
        self.opened.set_value(active);
    }

    /// Says that there are mentions beyond the upper or the lower edge, and leads there.
    pub(crate) fn pill(self, up: bool) -> AnyView {
        let count = if up { self.above } else { self.below };
        let app = self.app;
        let go = move |_| {
            let Some(view) = self.view.get_untracked() else { return };
            let seen = view.get_bounding_client_rect();
            let rooms = mentioning(&view).into_iter().map(|(room, _)| room);
            let beyond = if up {
                rooms.filter(|room| room.get_bounding_client_rect().bottom() <= seen.top() + 1.0).last()
            } else {
                rooms.into_iter().find(|room| room.get_bounding_client_rect().top() >= seen.bottom() - 1.0)
            };
            if let Some(room) = beyond {
                to_nearest(&room);
                if let Ok(room) = room.dyn_into::<HtmlElement>() {
                    let _ = room.focus();
                }
            }
        };
        let class = if up { "sight up" } else { "sight down" };
        let pill = move || {
            view! {
                <button type="button" class=class data-testid="mentions-beyond" on:click=go>
                    <span>{move || app.phrase(&Phrase::MentionsBeyond(count.get()))}</span>
                    {icon(Icon::Down)}
                </button>
            }
        };
        shown(move || count.get() > 0, pill)
    }
}

fn to_nearest(element: &Element) {
    let options = ScrollIntoViewOptions::new();
    options.set_block(ScrollLogicalPosition::Nearest);
    element.scroll_into_view_with_scroll_into_view_options(&options);
}

/// The rooms in the list in which the user is mentioned, and how often.
fn mentioning(view: &Element) -> Vec<(Element, u64)> {
    let Ok(found) = view.query_selector_all(".room:not([data-mentions='0'])") else { return Vec::new() };
    (0..found.length())
        .filter_map(|index| found.item(index)?.dyn_into::<Element>().ok())
        .filter_map(|room| Some((room.clone(), room.get_attribute("data-mentions")?.parse().ok()?)))
        .collect()
}

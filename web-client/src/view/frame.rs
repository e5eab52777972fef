//! The chat: rooms on the left, the open room in the middle, its members on the right.

use leptos::either::Either;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::banner::{banner, connection};
use super::icon::{Icon, icon};
use super::room_menu::room_title;
use super::shown::shown;
use super::{
    composer, keys, members, no_room, notices, rooms, settings, standing, switcher, timeline, toast,
};
use crate::app::{App, Drawer};
use crate::i18n::{Phrase, Text};
use crate::model::{Link, put};

/// The chat.
pub(crate) fn frame(app: App) -> AnyView {
    let drawer = move || match app.drawer.get() {
        Some(Drawer::Rooms) => "rooms",
        Some(Drawer::Members) => "members",
        None => "none",
    };
    follow_drawer(app);
    let beside = move |own: Drawer| app.drawer.get().is_some_and(|open| open != own);
    let covered = move || app.drawer.get().is_some();
    let roomless = Memo::new(move |_| app.model.active.with(Option::is_none));
    let middle = move || {
        if roomless.get() {
            Either::Left(no_room::no_room(app))
        } else {
            Either::Right(timeline::timeline(app))
        }
    };
    view! {
        <div
            class="frame"
            data-drawer=drawer
            data-members=move || {
                let shown = app.members_shown.get() && !roomless.get();
                if shown { "shown" } else { "hidden" }
            }
            data-link=move || if app.model.link.get() == Link::Online { "online" } else { "offline" }
        >
            {rooms::rooms(app, move || beside(Drawer::Rooms))}
            <main class="talk" inert=covered>
                {header(app)} {banner(app)} {middle}
                <div class="talk-foot" data-region="composer">
                    {toast::toasts(app)} {notices::notices(app)} {standing::standing(app)}
                    {shown(move || !roomless.get(), move || composer::composer(app))}
                </div>
            </main>
            {members::members(app, move || beside(Drawer::Members))}
            <div class="scrim" aria-hidden="true" on:click=move |_| put(app.drawer, None)></div>
        </div>
        <div class="sr" aria-live="polite" data-testid="announcer-elsewhere">{move || app.told.get()}</div>
        {switcher::switcher(app)}
        {keys::keys(app)}
        {settings::settings(app)}
    }
    .into_any()
}

/// Who opens a drawer goes on inside it, and comes back to where they were.
fn follow_drawer(app: App) {
    let opener = StoredValue::new_local(None::<HtmlElement>);
    Effect::new(move |before: Option<Option<Drawer>>| {
        let drawer = app.drawer.get();
        let entry = match drawer {
            Some(Drawer::Rooms) => "#rooms .room[tabindex='0']",
            Some(Drawer::Members) => "#members .member[tabindex='0']",
            None => "",
        };
        match (before.flatten(), drawer) {
            (None, Some(_)) => {
                let active = document().active_element().and_then(|active| active.dyn_into().ok());
                opener.set_value(active);
            }
            (Some(_), None) => {
                // In the next frame, when what the drawer covered can have the focus again.
                request_animation_frame(move || {
                    let opener = opener.try_update_value(Option::take).flatten();
                    if let Some(opener) = opener.filter(|_| is_focus_lost()) {
                        let _ = opener.focus();
                    }
                });
            }
            _ => {}
        }
        if drawer.is_some() {
            let found = document().query_selector(entry).ok().flatten();
            if let Some(entry) = found.and_then(|entry| entry.dyn_into::<HtmlElement>().ok()) {
                let _ = entry.focus();
            }
        }
        drawer
    });
}

/// Whether nothing has the focus that the user could see.
fn is_focus_lost() -> bool {
    let active = document().active_element();
    active.is_none_or(|active| {
        active.tag_name() == "BODY" || active.closest("#rooms, #members").ok().flatten().is_some()
    })
}

fn header(app: App) -> AnyView {
    let model = app.model;
    let in_room = move || model.active.with(Option::is_some);
    let brand = move || view! { <h1 class="header-title">{app.text(Text::Brand)}</h1> };
    view! {
        <header class="header">
            <button
                type="button"
                class="tool only-narrow"
                data-testid="rooms-toggle"
                aria-label=app.text(Text::ShowRooms)
                aria-expanded=move || (app.drawer.get() == Some(Drawer::Rooms)).to_string()
                on:click=move |_| app.toggle_drawer(Drawer::Rooms)
            >
                {icon(Icon::Menu)}
                {shown(move || model.totals.get().unread > 0, move || unread_dot(app))}
            </button>
            {shown(in_room, move || room_title(app))}
            {shown(move || !in_room(), brand)}
            <span class="grow"></span>
            {connection(app)}
            {shown(in_room, move || members_button(app))}
        </header>
    }
    .into_any()
}

fn members_button(app: App) -> AnyView {
    let model = app.model;
    let count = move || {
        let count = model.member_count.get();
        app.phrase(&Phrase::MemberCount { total: count.total, online: count.online })
    };
    let shown = move || {
        if app.drawers.get().members {
            app.drawer.get() == Some(Drawer::Members)
        } else {
            app.members_shown.get()
        }
    };
    view! {
        <button
            type="button"
            class="tool wide"
            data-testid="members-toggle"
            title=count
            aria-label=move || format!("{}: {}", app.say(Text::ShowMembers), count())
            aria-expanded=move || shown().to_string()
            on:click=move |_| app.toggle_members()
        >
            {icon(Icon::People)}
            <span class="tool-count" aria-hidden="true">{move || model.member_count.get().total}</span>
        </button>
    }
    .into_any()
}

fn unread_dot(app: App) -> AnyView {
    let mentions = move || (app.model.totals.get().mentions > 0).to_string();
    view! { <span class="tool-dot" data-mentions=mentions></span> }.into_any()
}

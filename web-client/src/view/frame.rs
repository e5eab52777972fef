//! The chat: rooms on the left, the open room in the middle, its members on the right.

use leptos::prelude::*;
use teahouse_client_core::Intent;
use wasm_bindgen::JsCast;

use super::banner::{banner, connection};
use super::icon::{Icon, icon};
use super::shown::shown;
use super::{composer, keys, members, notices, rooms, settings, switcher, timeline};
use crate::app::{App, Drawer};
use crate::i18n::{Phrase, Text};
use crate::model::put;

/// The chat.
pub(crate) fn frame(app: App) -> AnyView {
    let drawer = move || match app.drawer.get() {
        Some(Drawer::Rooms) => "rooms",
        Some(Drawer::Members) => "members",
        None => "none",
    };
    // Who opens a drawer goes on inside it.
    Effect::new(move || {
        let entry = match app.drawer.get() {
            Some(Drawer::Rooms) => "#rooms .room[tabindex='0']",
            Some(Drawer::Members) => "#members .member[tabindex='0']",
            None => return,
        };
        let found = document().query_selector(entry).ok().flatten();
        if let Some(entry) = found.and_then(|entry| entry.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = entry.focus();
        }
    });
    view! {
        <div
            class="frame"
            data-drawer=drawer
            data-members=move || if app.members_shown.get() { "shown" } else { "hidden" }
        >
            {rooms::rooms(app)}
            <main class="talk">
                {header(app)} {banner(app)} {timeline::timeline(app)}
                <div class="talk-foot" data-region="composer">{notices::notices(app)} {composer::composer(app)}</div>
            </main>
            {members::members(app)}
            <div class="scrim" aria-hidden="true" on:click=move |_| put(app.drawer, None)></div>
        </div>
        {switcher::switcher(app)}
        {keys::keys(app)}
        {settings::settings(app)}
    }
.into_any()
}

fn header(app: App) -> AnyView {
    let model = app.model;
    let count = move || {
        let count = model.member_count.get();
        app.phrase(&Phrase::MemberCount { total: count.total, online: count.online })
    };
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
            <h1 class="header-title" data-testid="room-title">
                {move || {
                    let room = model.active.get();
                    room.map_or_else(|| app.say(Text::Brand).to_owned(), |room| room.to_string())
                }}
            </h1>
            {connection(app)}
            <button
                type="button"
                class="tool wide"
                data-testid="members-toggle"
                title=count
                aria-label=move || format!("{}: {}", app.say(Text::ShowMembers), count())
                aria-expanded=move || {
                    (app.drawer.get() == Some(Drawer::Members) || app.members_shown.get()).to_string()
                }
                on:click=move |_| app.toggle_members()
            >
                {icon(Icon::People)}
                <span class="tool-count">{move || model.member_count.get().total}</span>
            </button>
            {shown(move || model.active_joined.get(), move || leave_button(app))}
        </header>
    }
    .into_any()
}

fn unread_dot(app: App) -> AnyView {
    let mentions = move || (app.model.totals.get().mentions > 0).to_string();
    view! { <span class="tool-dot" data-mentions=mentions></span> }.into_any()
}

fn leave_button(app: App) -> AnyView {
    let leave = move |_| {
        if let Some(room) = app.model.active.get_untracked() {
            app.intend(Intent::Leave(room));
        }
    };
    view! {
        <button
            type="button"
            class="tool"
            data-testid="leave-room"
            title=app.text(Text::Leave)
            aria-label=app.text(Text::Leave)
            on:click=leave
        >
            {icon(Icon::Door)}
        </button>
    }
    .into_any()
}

//! The list of rooms, and under it who the user is and the switches.

use leptos::html;
use leptos::prelude::*;
use teahouse_client_core::Intent;
use teahouse_protocol::RoomName;
use web_sys::KeyboardEvent;

use super::icon::{Icon, icon};
use super::roving::rove;
use super::seal::seal;
use super::shown::shown;
use super::welcome::{lang_toggle, theme_toggle};
use crate::app::{App, Dialog};
use crate::i18n::{Phrase, Text};
use crate::model::{Keyed, RoomLine, put};

/// The rooms' panel.
pub(crate) fn rooms(app: App) -> AnyView {
    let model = app.model;
    let creating = RwSignal::new(false);
    let others = move || {
        view! {
            <div class="rooms-heading">
                <h2>{app.text(Text::OtherRooms)}</h2>
            </div>
            {list(app, model.other_rooms)}
        }
    };
    view! {
        <nav class="rooms" id="rooms" data-region="rooms" aria-label=app.text(Text::Rooms)>
            <div class="rooms-head">
                <span class="brand" aria-hidden="true"></span>
                <span class="brand-name">{app.text(Text::Brand)}</span>
                <span class="grow"></span>
                <button
                    type="button"
                    class="tool"
                    data-testid="switcher-open"
                    title=move || format!("{} (Ctrl+K)", app.say(Text::SwitchRoom))
                    aria-label=app.text(Text::SwitchRoom)
                    on:click=move |_| put(app.dialog, Some(Dialog::Switcher))
                >
                    {icon(Icon::Find)}
                </button>
                <button
                    type="button"
                    class="tool only-narrow"
                    aria-label=app.text(Text::Close)
                    on:click=move |_| put(app.drawer, None)
                >
                    {icon(Icon::Cross)}
                </button>
            </div>
            <div class="rooms-scroll" on:keydown=move |event| rove(&event, "#rooms .room")>
                <div class="rooms-heading">
                    <h2>{app.text(Text::Rooms)}</h2>
                    <button
                        type="button"
                        class="tool small"
                        data-testid="create-room-open"
                        title=app.text(Text::NewRoom)
                        aria-label=app.text(Text::NewRoom)
                        aria-expanded=move || creating.get().to_string()
                        on:click=move |_| creating.update(|creating| *creating = !*creating)
                    >
                        {icon(Icon::Plus)}
                    </button>
                </div>
                {shown(move || creating.get(), move || create_form(app, creating))}
                {list(app, model.rooms)}
                {shown(move || model.other_rooms.len() > 0, others)}
            </div>
            {user_bar(app)}
        </nav>
    }
    .into_any()
}

fn list(app: App, rooms: Keyed<RoomName, RoomLine>) -> AnyView {
    view! {
        <ul class="room-list">
            <For each=move || rooms.slots() key=|slot| slot.0.clone() let:slot>
                <li>{line(app, slot.0, slot.1)}</li>
            </For>
        </ul>
    }
    .into_any()
}

fn line(app: App, name: RoomName, line: ArcRwSignal<RoomLine>) -> AnyView {
    let model = app.model;
    let this = name.clone();
    let is_active = Memo::new(move |_| model.active.with(|active| active.as_ref() == Some(&this)));
    // One room is reached by Tab, the others from there by arrows: the open one, or the first.
    let this = name.clone();
    let is_entry = Memo::new(move |_| {
        let listed = |active: &RoomName| {
            model.rooms.keys().contains(active) || model.other_rooms.keys().contains(active)
        };
        match model.active.get() {
            Some(active) if listed(&active) => active == this,
            _ => model.rooms.keys().first().or(model.other_rooms.keys().first()) == Some(&this),
        }
    });
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
    let text = name.to_string();
    let data = text.clone();
    view! {
        <button
            type="button"
            class="room"
            data-testid="room"
            data-room=data
            data-unread=move || line.get().unread.to_string()
            data-mentions=move || line.get().mentions.to_string()
            data-joined=move || line.get().joined.to_string()
            aria-current=move || is_active.get().then_some("page")
            tabindex=move || if is_entry.get() { "0" } else { "-1" }
            on:click=move |_| app.open(name.clone())
        >
            <span class="room-mark" aria-hidden="true">"#"</span>
            <span class="room-name">{text}</span>
            {shown(move || line.get().unread > 0, badge)}
        </button>
    }
    .into_any()
}

fn capped(count: u64) -> String {
    if count > 99 { "99+".to_owned() } else { count.to_string() }
}

fn create_form(app: App, creating: RwSignal<bool>) -> AnyView {
    let field = NodeRef::<html::Input>::new();
    let problem = RwSignal::new(None);
    Effect::new(move || {
        if let Some(field) = field.get() {
            let _ = field.focus();
        }
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(field) = field.get_untracked() else { return };
        let typed = field.value();
        let typed = typed.trim();
        match RoomName::parse(typed.strip_prefix('#').unwrap_or(typed)) {
            Ok(room) => {
                app.intend(Intent::Create(room));
                put(app.drawer, None);
                creating.set(false);
            }
            Err(rule) => problem.set(Some(teahouse_client_core::Notice::BadName { reason: rule })),
        }
    };
    let on_escape = move |event: KeyboardEvent| {
        if event.key() == "Escape" && !event.is_composing() {
            event.prevent_default();
            creating.set(false);
        }
    };
    view! {
        <form class="create-room" on:submit=submit on:keydown=on_escape>
            <div class="field-row">
                <input
                    node_ref=field
                    class="field small"
                    data-testid="create-room-input"
                    aria-label=app.text(Text::RoomName)
                    placeholder=app.text(Text::RoomName)
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    enterkeyhint="done"
                />
                <button type="submit" class="button primary small" data-testid="create-room-submit">
                    {app.text(Text::Create)}
                </button>
            </div>
            <p class="hint" role="alert" data-problem="true">
                {move || problem.get().map(|problem| app.phrase(&Phrase::Notice(&problem)))}
            </p>
        </form>
    }
    .into_any()
}

fn user_bar(app: App) -> AnyView {
    let me = move || app.model.me.get().map(|name| name.to_string()).unwrap_or_default();
    view! {
        <div class="user-bar">
            <button
                type="button"
                class="user"
                data-testid="settings-open"
                title=app.text(Text::Menu)
                on:click=move |_| put(app.dialog, Some(Dialog::Settings))
            >
                {move || seal(&me())}
                <span class="user-name" data-testid="me">{me}</span>
                <span class="sr">{app.text(Text::Menu)}</span>
            </button>
            <button
                type="button"
                class="tool not-touch"
                data-testid="keys-open"
                title=app.text(Text::Keys)
                aria-label=app.text(Text::Keys)
                on:click=move |_| put(app.dialog, Some(Dialog::Keys))
            >
                {icon(Icon::Keyboard)}
            </button>
            {lang_toggle(app)}
            {theme_toggle(app)}
        </div>
    }
    .into_any()
}

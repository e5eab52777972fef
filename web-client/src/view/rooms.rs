//! The list of rooms, and under it who the user is and the switches.

use leptos::html;
use leptos::prelude::*;
use teahouse_protocol::RoomName;
use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;

use super::icon::{Icon, icon};
use super::room_list::{RoomList, Sights};
use super::roving::rove;
use super::seal::seal;
use super::shown::shown;
use super::welcome::{lang_toggle, theme_toggle};
use crate::app::{App, Dialog};
use crate::i18n::{Phrase, Text};
use crate::model::put;

/// With more rooms than this a list has a field to choose among them.
const UNFILTERED_MAX: usize = 15;

/// The rooms' panel.
pub(crate) fn rooms(app: App, inert: impl Fn() -> bool + Send + Sync + 'static) -> AnyView {
    let model = app.model;
    let creating = RwSignal::new(false);
    let browsing = RwSignal::new(false);
    let list = RoomList::new(app, browsing);
    let sights = Sights::new(app);
    let visiting = Memo::new(move |_| {
        !browsing.get()
            && model.active.with(|active| active.as_ref().is_some_and(|active| list.is_other(active)))
    });
    let many = Memo::new(move |_| {
        let listed = model.rooms.len() + if browsing.get() { model.other_rooms.len() } else { 0 };
        listed > UNFILTERED_MAX
    });
    view! {
        <nav class="rooms" id="rooms" data-region="rooms" aria-label=app.text(Text::Rooms) inert=inert>
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
                    {icon(Icon::Go)}
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
            {shown(move || many.get(), move || filter_field(app, list))}
            <div class="rooms-sights">
                {sights.pill(true)}
                <div
                    node_ref=sights.view
                    class="rooms-scroll"
                    on:keydown=move |event| rove(&event, "#rooms .room")
                    on:scroll=move |_| sights.look()
                >
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
                    {shown(move || creating.get(), move || creating_form(app, creating))}
                    {list.joined()}
                    {shown(move || visiting.get(), move || list.visited())}
                    {shown(move || model.other_rooms.len() > 0, move || browse_button(app, browsing))}
                    {shown(move || browsing.get(), move || list.others())}
                    {shown(move || list.nothing.get(), move || nothing_found(app))}
                </div>
                {sights.pill(false)}
            </div>
            {user_bar(app)}
        </nav>
    }
    .into_any()
}

fn filter_field(app: App, list: RoomList) -> AnyView {
    on_cleanup(move || put(list.filter, String::new()));
    let on_keydown = move |event: KeyboardEvent| {
        if event.is_composing() || event.key_code() == 229 {
            return;
        }
        match event.key().as_str() {
            "Enter" => {
                if let Some(room) = list.entry.get_untracked() {
                    app.open(room);
                }
            }
            "ArrowDown" => {
                let first = document().query_selector("#rooms .room[tabindex='0']").ok().flatten();
                if let Some(first) = first.and_then(|first| first.dyn_into::<web_sys::HtmlElement>().ok()) {
                    let _ = first.focus();
                }
            }
            "Escape" if !list.filter.with_untracked(String::is_empty) => put(list.filter, String::new()),
            _ => return,
        }
        event.prevent_default();
    };
    view! {
        <div class="rooms-filter">
            <input
                class="field small"
                type="search"
                data-testid="room-filter"
                aria-label=app.text(Text::FilterRooms)
                placeholder=app.text(Text::FilterRooms)
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                prop:value=move || list.filter.get()
                on:input=move |event| put(list.filter, event_target_value(&event))
                on:keydown=on_keydown
            />
        </div>
    }
    .into_any()
}

fn nothing_found(app: App) -> AnyView {
    view! { <p class="hint rooms-hint">{app.text(Text::NoRoomFound)}</p> }.into_any()
}

fn browse_button(app: App, browsing: RwSignal<bool>) -> AnyView {
    let count = move || app.phrase(&Phrase::Browse(app.model.other_rooms.len() as u64));
    view! {
        <button
            type="button"
            class="browse"
            data-testid="browse-rooms"
            aria-expanded=move || browsing.get().to_string()
            on:click=move |_| browsing.update(|browsing| *browsing = !*browsing)
        >
            {icon(Icon::Below)}
            <span>{count}</span>
        </button>
    }
    .into_any()
}

/// The field for a new room's name, with the focus.
fn creating_form(app: App, creating: RwSignal<bool>) -> AnyView {
    request_animation_frame(|| {
        let field = document().query_selector("#rooms .create-room input").ok().flatten();
        if let Some(field) = field.and_then(|field| field.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = field.focus();
        }
    });
    create_form(app, move || put(creating, false))
}

/// Where one writes the name of a room to be made. `done` is called when it is, or when the user changes their mind.
pub(crate) fn create_form(app: App, done: impl Fn() + Copy + 'static) -> AnyView {
    let field = NodeRef::<html::Input>::new();
    let problem = RwSignal::new(None);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(field) = field.get_untracked() else { return };
        let typed = field.value();
        let typed = typed.trim();
        match RoomName::parse(typed.strip_prefix('#').unwrap_or(typed)) {
            Ok(room) => {
                app.create(room);
                done();
            }
            Err(rule) => problem.set(Some(teahouse_client_core::Notice::BadName { reason: rule })),
        }
    };
    let on_escape = move |event: KeyboardEvent| {
        if event.key() == "Escape" && !event.is_composing() {
            event.prevent_default();
            done();
        }
    };
    view! {
        <form class="create-room" on:submit=submit on:keydown=on_escape>
            <div class="field-row">
                <input
                    node_ref=field
                    class="field small"
                    data-testid="create-room-input"
                    aria-invalid=move || problem.with(Option::is_some).to_string()
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

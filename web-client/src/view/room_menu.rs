//! The name of the open room, and the menu behind it.

use leptos::html;
use leptos::prelude::*;
use teahouse_client_core::Intent;
use teahouse_protocol::RoomName;
use wasm_bindgen::JsCast;
use web_sys::{FocusEvent, KeyboardEvent, Node};

use super::icon::{Icon, icon};
use super::roving::rove;
use super::shown::shown;
use crate::address::Address;
use crate::app::App;
use crate::i18n::Text;
use crate::model::put;
use crate::page;

/// The title of the page: the open room's name, which opens its menu.
pub(crate) fn room_title(app: App) -> AnyView {
    let open = RwSignal::new(false);
    let around = NodeRef::<html::Div>::new();
    let opener = NodeRef::<html::Button>::new();
    let close = move || put(open, false);
    // Another room has no menu open.
    Effect::new(move || {
        app.model.active.track();
        close();
    });
    let on_keydown = move |event: KeyboardEvent| match event.key().as_str() {
        "Escape" if open.get_untracked() => {
            event.prevent_default();
            close();
            if let Some(opener) = opener.get_untracked() {
                let _ = opener.focus();
            }
        }
        "Tab" => close(),
        _ => rove(&event, "#room-menu .menu-item"),
    };
    let on_focusout = move |event: FocusEvent| {
        let to = event.related_target().and_then(|to| to.dyn_into::<Node>().ok());
        // The whole title may be going, with the focus in it.
        let around = around.try_get_untracked().flatten();
        let stays = around.is_some_and(|around| around.contains(to.as_ref()));
        if !stays {
            close();
        }
    };
    let name = move || app.model.active.get().map(|room| room.to_string());
    view! {
        <div node_ref=around class="title" on:keydown=on_keydown on:focusout=on_focusout>
            <h1 class="header-title">
                <button
                    node_ref=opener
                    type="button"
                    class="title-button"
                    data-testid="room-menu-open"
                    aria-haspopup="menu"
                    aria-expanded=move || open.get().to_string()
                    title=name
                    on:click=move |_| open.update(|open| *open = !*open)
                >
                    <span class="title-mark" aria-hidden="true">"#"</span>
                    <span class="title-name" data-testid="room-title">{name}</span>
                    {icon(Icon::Below)}
                </button>
            </h1>
            {shown(move || open.get(), move || menu(app, open))}
        </div>
    }
    .into_any()
}

fn menu(app: App, open: RwSignal<bool>) -> AnyView {
    let element = NodeRef::<html::Div>::new();
    Effect::new(move || {
        let first = element.get().and_then(|menu| menu.query_selector(".menu-item").ok().flatten());
        if let Some(first) = first.and_then(|first| first.dyn_into::<web_sys::HtmlElement>().ok()) {
            let _ = first.focus();
        }
    });
    let item = move |test: &'static str, text: Text, class: &'static str, act: fn(App, RoomName)| {
        let on_click = move |_| {
            put(open, false);
            if let Some(room) = app.model.active.get_untracked() {
                act(app, room);
            }
        };
        view! {
            <button type="button" class=class role="menuitem" tabindex="-1" data-testid=test on:click=on_click>
                {app.text(text)}
            </button>
        }
        .into_any()
    };
    let copy = |app: App, room: RoomName| app.copy(&page::whole_address(&Address::of_room(&room)));
    let leave = |app: App, room: RoomName| app.intend(Intent::Leave(room));
    view! {
        <div
            node_ref=element
            class="menu"
            id="room-menu"
            role="menu"
            aria-label=app.text(Text::RoomMenu)
            // The focus stays where it is while somebody presses; some browsers give it to nobody.
            on:pointerdown=move |event| event.prevent_default()
        >
            {item("copy-room-link", Text::CopyRoomLink, "menu-item", copy)}
            {app
                .model
                .active_joined
                .get_untracked()
                .then(|| item("leave-room", Text::Leave, "menu-item danger", leave))}
        </div>
    }
    .into_any()
}

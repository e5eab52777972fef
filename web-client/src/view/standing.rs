//! Why nothing can be written in the open room, and what to do about it; between its messages and the composer.

use std::time::Duration;

use leptos::prelude::*;
use teahouse_client_core::{Intent, Standing};
use teahouse_protocol::RoomName;

use super::shown::shown;
use crate::app::App;
use crate::i18n::Text;
use crate::model::Keeping;
use crate::page;

/// Why nothing can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Nobody knows yet who the user is.
    Nobody,
    /// The user is no member.
    Reader,
    /// The user is no member any more.
    Left,
    /// There is no such room.
    Missing,
}

fn why(app: App) -> Option<Why> {
    if app.model.keeping.get() == Keeping::NotYet {
        return Some(Why::Nobody);
    }
    match app.model.standing.get()? {
        Standing::Member => None,
        Standing::Reader => Some(Why::Reader),
        Standing::Left => Some(Why::Left),
        Standing::Missing => Some(Why::Missing),
    }
}

/// The bar, while nothing can be written.
pub(crate) fn standing(app: App) -> AnyView {
    let why = Memo::new(move |_| why(app));
    // The button has been pressed, and goes away with the focus: whoever presses it wants to write.
    let pressed = RwSignal::new(false);
    Effect::new(move || {
        if why.get().is_none() && pressed.get_untracked() {
            pressed.set(false);
            set_timeout(page::focus_composer, Duration::ZERO);
        }
    });
    shown(move || why.get().is_some(), move || bar(app, why, pressed))
}

fn bar(app: App, why: Memo<Option<Why>>, pressed: RwSignal<bool>) -> AnyView {
    let state = move || match why.get() {
        Some(Why::Nobody) => "nobody",
        Some(Why::Left) => "left",
        Some(Why::Missing) => "missing",
        Some(Why::Reader) | None => "reader",
    };
    let text = move || match why.get() {
        Some(Why::Nobody) => Text::StorageNotYet,
        Some(Why::Left) => Text::LeftElsewhere,
        Some(Why::Missing) => Text::NoSuchRoom,
        Some(Why::Reader) | None => Text::OnlyReading,
    };
    let can_act = move || !matches!(why.get(), Some(Why::Nobody) | None);
    view! {
        <div class="notice standing" role="status" data-testid="standing" data-state=state>
            <span class="notice-text">{move || app.say(text())}</span>
            {shown(can_act, move || button(app, why, pressed))}
        </div>
    }
    .into_any()
}

fn button(app: App, why: Memo<Option<Why>>, pressed: RwSignal<bool>) -> AnyView {
    let text = move || match why.get() {
        Some(Why::Left) => Text::JoinAgain,
        Some(Why::Missing) => Text::MakeRoom,
        _ => Text::JoinToWrite,
    };
    let act = move |_| {
        let Some(room) = app.model.active.get_untracked() else { return };
        let intent: fn(RoomName) -> Intent =
            if why.get_untracked() == Some(Why::Missing) { Intent::Create } else { Intent::Join };
        pressed.set(true);
        app.intend(intent(room));
    };
    view! {
        <button type="button" class="button small primary" data-testid="join" on:click=act>
            {move || app.say(text())}
        </button>
    }
    .into_any()
}

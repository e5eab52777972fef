//! What is said in passing. It goes away by itself, but not under somebody's eyes or fingers.

use std::time::Duration;

use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;

use crate::app::{App, Toast};
use crate::i18n::{Phrase, Text};
use crate::model::put;

/// How long it stays when there is something to be done about it, in milliseconds.
const OFFER_MS: u64 = 6_000;
/// How long it stays when it is only to be read, in milliseconds.
const READ_MS: u64 = 4_000;

/// Where it appears.
pub(crate) fn toasts(app: App) -> AnyView {
    let timer = StoredValue::new_local(None::<TimeoutHandle>);
    let hold = move || {
        if let Some(timer) = timer.try_update_value(Option::take).flatten() {
            timer.clear();
        }
    };
    let release = move || {
        hold();
        let ms = match app.toast.get_untracked() {
            Some(Toast::Left(_)) => OFFER_MS,
            Some(_) => READ_MS,
            None => return,
        };
        let away = set_timeout_with_handle(move || put(app.toast, None), Duration::from_millis(ms));
        timer.set_value(away.ok());
    };
    Effect::new(move || {
        app.toast.track();
        release();
    });
    on_cleanup(hold);
    view! {
        <div
            class="toasts"
            role="status"
            on:pointerenter=move |_| hold()
            on:pointerleave=move |_| release()
            on:focusin=move |_| hold()
            on:focusout=move |_| release()
        >
            {move || app.toast.get().map(|toast| one(app, toast))}
        </div>
    }
    .into_any()
}

fn one(app: App, toast: Toast) -> AnyView {
    let undo = match &toast {
        Toast::Left(room) => Some(undo(app, room.clone())),
        _ => None,
    };
    let text = move || match &toast {
        Toast::Left(room) => app.phrase(&Phrase::Left(room.as_str())),
        Toast::Copied => app.say(Text::Copied).to_owned(),
        Toast::NotCopied => app.say(Text::NotCopied).to_owned(),
        Toast::NoSuchMessage => app.say(Text::NoSuchMessage).to_owned(),
        Toast::NoSuchPlace => app.say(Text::NoSuchPlace).to_owned(),
    };
    view! {
        <div class="toast" data-testid="toast">
            <span>{text}</span>
            {undo}
        </div>
    }
    .into_any()
}

/// Comes back into a room, and makes it again should it have gone with its last member.
fn undo(app: App, room: teahouse_protocol::RoomName) -> AnyView {
    let back = move |_| {
        put(app.toast, None);
        app.create(room.clone());
    };
    view! {
        <button type="button" class="text-button" data-testid="undo-leave" on:click=back>
            {app.text(Text::Undo)}
        </button>
    }
    .into_any()
}

//! What is wrong with the link, in how many seconds the next attempt comes, and a button for now.

use std::time::Duration;

use leptos::prelude::*;
use teahouse_client_core::{Intent, Ticks};

use super::shown::shown;
use crate::app::App;
use crate::clock;
use crate::i18n::{Phrase, Text};
use crate::model::Link;

const COUNTDOWN_STEP_MS: u64 = 250;

/// The banner, where it is due.
pub(crate) fn banner(app: App) -> AnyView {
    shown(move || app.model.banner.get(), move || due(app))
}

fn due(app: App) -> AnyView {
    let now = RwSignal::new(clock::ticks());
    let step =
        set_interval_with_handle(move || now.set(clock::ticks()), Duration::from_millis(COUNTDOWN_STEP_MS));
    on_cleanup(move || {
        if let Ok(step) = step {
            step.clear();
        }
    });
    let text = move || match app.model.link.get() {
        Link::Waiting { retry_at } => app.phrase(&Phrase::RetryIn(seconds(retry_at, now.get()))),
        Link::Stopped(code) => app.phrase(&Phrase::Stopped(code)),
        Link::Connecting | Link::Online | Link::NeedsName(_) => app.say(Text::Connecting).to_owned(),
    };
    view! {
        <div class="banner" data-testid="banner">
            <span class="banner-text">
                // The countdown is for the eye; the state itself is told once, by the connection's own line.
                <strong aria-hidden="true">{text}</strong>
                " "
                <span class="banner-more">{app.text(Text::StillWrite)}</span>
            </span>
            <button
                type="button"
                class="button small"
                data-testid="retry-now"
                on:click=move |_| app.intend(Intent::ReconnectNow)
            >
                {app.text(Text::RetryNow)}
            </button>
        </div>
    }
    .into_any()
}

/// Whole seconds from `now` to `then`, rounded up.
fn seconds(then: Ticks, now: Ticks) -> u64 {
    then.0.saturating_sub(now.0).div_ceil(1_000)
}

/// How the link stands, in one word; screen readers hear it when it changes.
pub(crate) fn connection(app: App) -> AnyView {
    let state = move || {
        app.model.link.with(|link| match link {
            Link::NeedsName(_) => ("needs-name", Text::YourName),
            Link::Connecting => ("connecting", Text::Connecting),
            Link::Online => ("online", Text::Online),
            Link::Waiting { .. } => ("waiting", Text::Offline),
            Link::Stopped(_) => ("stopped", Text::Offline),
        })
    };
    view! {
        <div class="connection" role="status" data-testid="connection" data-state=move || state().0>
            <span class="dot" aria-hidden="true"></span>
            <span class="connection-text">{move || app.say(state().1)}</span>
        </div>
    }
    .into_any()
}

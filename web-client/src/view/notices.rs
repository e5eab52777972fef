//! What the program or the server has to say once, above the composer.

use leptos::prelude::*;

use super::icon::{Icon, icon};
use crate::app::App;
use crate::i18n::{Phrase, Text};
use crate::model::NumberedNotice;

/// The notices.
pub(crate) fn notices(app: App) -> AnyView {
    let notices = app.model.notices;
    view! {
        <div class="notices" role="status" aria-live="polite">
            <For each=move || notices.get() key=|notice| notice.0 let:notice>
                {one(app, notice)}
            </For>
        </div>
    }
    .into_any()
}

fn one(app: App, (number, notice): NumberedNotice) -> AnyView {
    let close = move |_| app.model.notices.update(|notices| notices.retain(|(other, _)| *other != number));
    view! {
        <div class="notice" data-testid="notice">
            <span class="notice-text">{move || app.phrase(&Phrase::Notice(&notice))}</span>
            <button
                type="button"
                class="tool small"
                aria-label=app.text(Text::Close)
                title=app.text(Text::Close)
                on:click=close
            >
                {icon(Icon::Cross)}
            </button>
        </div>
    }
    .into_any()
}

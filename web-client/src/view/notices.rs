//! What the program or the server has to say once, above the composer.

use leptos::prelude::*;

use super::cure::cure;
use super::icon::{Icon, icon};
use super::shown::shown;
use crate::app::App;
use crate::i18n::{Phrase, Text};
use crate::model::{NumberedNotice, put};

/// The notices.
pub(crate) fn notices(app: App) -> AnyView {
    let notices = app.model.notices;
    let told = RwSignal::new(false);
    let forgetful = move || !app.model.storage_works.get() && !told.get();
    view! {
        <div class="notices" role="status" aria-live="polite">
            <For each=move || notices.get() key=|notice| notice.0 let:notice>
                {one(app, notice)}
            </For>
            {shown(forgetful, move || storage_off(app, told))}
        </div>
    }
    .into_any()
}

/// Said once, until it is closed.
fn storage_off(app: App, told: RwSignal<bool>) -> AnyView {
    bar(app, move || app.say(Text::StorageOff).to_owned(), None, move || put(told, true))
}

fn one(app: App, (number, notice): NumberedNotice) -> AnyView {
    let close = move || app.model.notices.update(|notices| notices.retain(|(other, _)| *other != number));
    let cure = cure(app, &notice);
    bar(app, move || app.phrase(&Phrase::Notice(&notice)), cure, close)
}

fn bar(
    app: App,
    text: impl Fn() -> String + Send + 'static,
    cure: Option<AnyView>,
    close: impl Fn() + Send + 'static,
) -> AnyView {
    view! {
        <div class="notice" data-testid="notice">
            <span class="notice-text">{text}</span>
            {cure}
            <button
                type="button"
                class="tool small"
                aria-label=app.text(Text::Close)
                title=app.text(Text::Close)
                on:click=move |_| close()
            >
                {icon(Icon::Cross)}
            </button>
        </div>
    }
    .into_any()
}

//! What the program or the server has to say once, above the composer.

use leptos::prelude::*;
use teahouse_client_core::{Intent, Notice};

use super::cure::cure;
use super::icon::{Icon, icon};
use super::shown::shown;
use crate::app::App;
use crate::database::Health;
use crate::i18n::{Phrase, Text};
use crate::model::{Keeping, NumberedNotice, put};
use crate::page;

/// The notices.
pub(crate) fn notices(app: App) -> AnyView {
    let notices = app.model.notices;
    view! {
        <div class="notices" role="status" aria-live="polite">
            <For each=move || notices.get() key=|notice| notice.0 let:notice>
                {one(app, notice)}
            </For>
            {shown(move || app.model.files_refused.get(), move || no_files(app))}
            {storage(app)}
        </div>
    }
    .into_any()
}

/// What the browser does not keep, for as long as that is so.
pub(crate) fn storage(app: App) -> AnyView {
    let text = move || match app.model.keeping.get() {
        Keeping::Settled(Health::Refuses) => Some(Text::StorageOff),
        Keeping::Settled(Health::Outdated) => Some(Text::StorageOutdated),
        Keeping::Settled(Health::Keeps) | Keeping::NotYet => None,
    };
    let text = Memo::new(move |_| text());
    let reload = move || {
        view! {
            <button type="button" class="button small" on:click=move |_| page::reload()>
                {app.text(Text::Reload)}
            </button>
        }
    };
    let line = move || {
        view! {
            <div class="notice" role="status" data-testid="storage" data-kind="error">
                {icon(Icon::Warning)}
                <span class="notice-text">{move || text.get().map(|text| app.say(text))}</span>
                {shown(move || text.get() == Some(Text::StorageOutdated), reload)}
            </div>
        }
    };
    shown(move || text.get().is_some(), line)
}

fn no_files(app: App) -> AnyView {
    let close = move || put(app.model.files_refused, false);
    bar(app, Kind::Error, move || app.say(Text::NoFiles).to_owned(), None, close)
}

/// What a notice is about: it looks like that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Something was done, or asked for.
    News,
    /// Something was not done.
    Error,
}

fn kind(notice: &Notice) -> Kind {
    match notice {
        Notice::Who { .. }
        | Notice::SignedOutElsewhere
        | Notice::Renamed { .. }
        | Notice::Discarded
        | Notice::Goodbye { .. } => Kind::News,
        _ => Kind::Error,
    }
}

fn one(app: App, (number, notice): NumberedNotice) -> AnyView {
    let close = move || app.model.notices.update(|notices| notices.retain(|(other, _)| *other != number));
    let undo = move |_| {
        app.intend(Intent::Undiscard);
        close();
    };
    let action = match &notice {
        Notice::Discarded => Some(
            view! {
                <button type="button" class="button small" data-testid="undo" on:click=undo>
                    {app.text(Text::Undo)}
                </button>
            }
            .into_any(),
        ),
        notice => cure(app, notice),
    };
    bar(app, kind(&notice), move || app.phrase(&Phrase::Notice(&notice)), action, close)
}

fn bar(
    app: App,
    kind: Kind,
    text: impl Fn() -> String + Send + 'static,
    action: Option<AnyView>,
    close: impl Fn() + Send + 'static,
) -> AnyView {
    let (name, mark) = match kind {
        Kind::News => ("news", None),
        Kind::Error => ("error", Some(icon(Icon::Warning))),
    };
    view! {
        <div class="notice" data-testid="notice" data-kind=name>
            {mark}
            <span class="notice-text">{text}</span>
            {action}
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

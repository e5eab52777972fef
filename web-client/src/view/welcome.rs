//! The welcome page: choose a name.

use leptos::html;
use leptos::prelude::*;
use teahouse_client_core::Intent;

use super::banner::{banner, connection};
use super::icon::{Icon, icon};
use super::notices;
use crate::app::App;
use crate::i18n::{Phrase, Text};
use crate::model::{Link, put};

/// The welcome page.
pub(crate) fn welcome(app: App) -> AnyView {
    let field = NodeRef::<html::Input>::new();
    Effect::new(move || {
        if let Some(field) = field.get() {
            let _ = field.focus();
        }
    });
    let waiting = move || app.model.link.with(|link| !matches!(link, Link::NeedsName(_)));
    let problem = move || {
        app.model.link.with(|link| match link {
            Link::NeedsName(problem) => {
                problem.as_ref().map(|problem| app.phrase(&Phrase::NameProblem(problem)))
            }
            _ => None,
        })
    };
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if let Some(field) = field.get_untracked() {
            app.intend(Intent::ChooseName(field.value().trim().to_owned()));
            app.intend(Intent::ReconnectNow);
        }
    };
    let invalid = move || problem().is_some().to_string();
    view! {
        <div class="welcome">
            {banner(app)}
            <main class="welcome-card">
                <div class="welcome-cup" aria-hidden="true"></div>
                <h1 class="welcome-title">
                    {app.text(Text::Brand)} <small>{app.text(Text::Tagline)}</small>
                </h1>
                <form class="welcome-form" on:submit=submit>
                    <label for="name">{app.text(Text::YourName)}</label>
                    <div class="field-row">
                        <input
                            node_ref=field
                            id="name"
                            class="field"
                            data-testid="name-input"
                            prop:value=move || app.typed_name.get()
                            on:input=move |event| put(app.typed_name, event_target_value(&event))
                            autocomplete="nickname"
                            autocapitalize="off"
                            spellcheck="false"
                            enterkeyhint="go"
                            placeholder=app.text(Text::NameExample)
                            aria-describedby="name-hint"
                            aria-invalid=invalid
                        />
                        <button
                            class="button primary"
                            type="submit"
                            data-testid="name-submit"
                            disabled=move || waiting() && !app.model.banner.get()
                        >
                            {move || app.say(if waiting() { Text::Entering } else { Text::Enter })}
                        </button>
                    </div>
                    <p id="name-hint" class="hint" role="status" data-problem=invalid data-testid="name-problem">
                        {move || problem().unwrap_or_else(|| app.say(Text::NameHint).to_owned())}
                    </p>
                </form>
                <div class="welcome-notices">{notices::notices(app)}</div>
            </main>
            <footer class="welcome-foot">
                {connection(app)} <span class="grow"></span> {lang_toggle(app)} {theme_toggle(app)}
            </footer>
        </div>
    }
.into_any()
}

/// Switches the language.
pub(crate) fn lang_toggle(app: App) -> AnyView {
    view! {
        <button
            type="button"
            class="tool lang-toggle"
            data-testid="lang-toggle"
            lang=move || app.lang.get().other().tag()
            on:click=move |_| app.toggle_lang()
        >
            {app.text(Text::OtherLang)}
        </button>
    }
    .into_any()
}

/// Switches between light and dark.
pub(crate) fn theme_toggle(app: App) -> AnyView {
    let label = move || app.say(if app.is_dark() { Text::ToLight } else { Text::ToDark });
    view! {
        <button
            type="button"
            class="tool"
            data-testid="theme-toggle"
            title=label
            aria-label=label
            on:click=move |_| app.toggle_theme()
        >
            {move || icon(if app.is_dark() { Icon::Sun } else { Icon::Moon })}
        </button>
    }
    .into_any()
}

//! The user's name, desktop notifications, and signing out.

use leptos::either::{Either, EitherOf4};
use leptos::html;
use leptos::prelude::*;
use teahouse_client_core::{Intent, Notice};
use teahouse_protocol::MemberName;

use super::dialog::dialog;
use super::seal::seal;
use super::shown::shown;
use crate::app::{App, Dialog};
use crate::i18n::{Phrase, Text};
use crate::model::put;
use crate::notify::{self, Permission};

/// The settings dialog.
pub(crate) fn settings(app: App) -> AnyView {
    dialog(app, Dialog::Settings, Text::Menu, move || {
        view! { {name_form(app)} {notifications(app)} {storage(app)} {sign_out(app)} }
    })
    .into_any()
}

fn name_form(app: App) -> AnyView {
    let field = NodeRef::<html::Input>::new();
    let problem = RwSignal::new(None);
    let me = app.model.me.get_untracked().map(|name| name.to_string()).unwrap_or_default();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(field) = field.get_untracked() else { return };
        match MemberName::parse(field.value().trim()) {
            Ok(name) => {
                app.intend(Intent::ChooseName(name.to_string()));
                put(app.dialog, None);
            }
            Err(reason) => problem.set(Some(Notice::BadName { reason })),
        }
    };
    view! {
        <form class="setting" on:submit=submit>
            <label for="new-name">{app.text(Text::CommandName)}</label>
            <div class="field-row">
                {seal(&me)}
                <input
                    node_ref=field
                    id="new-name"
                    class="field small"
                    data-testid="rename-input"
                    prop:value=me
                    autocomplete="off"
                    spellcheck="false"
                />
                <button type="submit" class="button small" data-testid="rename-submit">
                    "OK"
                </button>
            </div>
            <p class="hint" role="alert" data-problem="true">
                {move || problem.get().map(|problem| app.phrase(&Phrase::Notice(&problem)))}
            </p>
        </form>
    }
    .into_any()
}

fn notifications(app: App) -> AnyView {
    let permission = RwSignal::new(notify::permission());
    let line = move |text: Text| view! { <p class="hint">{app.text(text)}</p> };
    view! {
        <div class="setting" data-testid="notifications">
            {move || match permission.get() {
                Permission::Askable => {
                    EitherOf4::A(
                        view! {
                            <button
                                type="button"
                                class="button"
                                on:click=move |_| notify::ask(move |now| permission.set(now))
                            >
                                {app.text(Text::NotifyOn)}
                            </button>
                        },
                    )
                }
                Permission::Granted => EitherOf4::B(line(Text::NotifyIsOn)),
                Permission::Denied => EitherOf4::C(line(Text::NotifyDenied)),
                Permission::Insecure => EitherOf4::D(Either::Left(line(Text::NotifyInsecure))),
                Permission::Missing => EitherOf4::D(Either::Right(())),
            }}
        </div>
    }
    .into_any()
}

fn storage(app: App) -> AnyView {
    let line = move || view! { <p class="setting hint">{app.text(Text::StorageOff)}</p> };
    shown(move || !app.model.storage_works.get(), line)
}

fn sign_out(app: App) -> AnyView {
    let forget = move |_| {
        put(app.dialog, None);
        app.intend(Intent::ForgetMe);
    };
    view! {
        <div class="setting">
            <button type="button" class="button danger" data-testid="sign-out" on:click=forget>
                {app.text(Text::SignOut)}
            </button>
            <p class="hint">{app.text(Text::SignOutSure)}</p>
        </div>
    }
    .into_any()
}

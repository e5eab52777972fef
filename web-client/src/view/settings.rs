//! The user's name, how the page looks, notifications, and signing out.

use leptos::either::EitherOf5;
use leptos::html;
use leptos::prelude::*;
use teahouse_client_core::{Intent, NameProblem};
use teahouse_protocol::MemberName;
use web_sys::HtmlSelectElement;

use super::dialog::dialog;
use super::seal::seal;
use super::shown::shown;
use crate::app::{App, Dialog};
use crate::i18n::{Lang, Phrase, Text};
use crate::model::{Link, put};
use crate::notify::{self, Permission};
use crate::page::Theme;

/// The settings dialog.
pub(crate) fn settings(app: App) -> AnyView {
    let known = move || !app.model.is_nobody();
    dialog(app, Dialog::Settings, Text::Menu, move || {
        view! {
            {known().then(|| name_form(app))}
            {look(app)}
            {notifications(app)}
            {known().then(|| sign_out(app))}
        }
    })
    .into_any()
}

fn name_form(app: App) -> AnyView {
    let field = NodeRef::<html::Input>::new();
    let model = app.model;
    let me = model.me.get_untracked().map(|name| name.to_string()).unwrap_or_default();
    put(model.name_refused, None);
    // The name that was asked for, until the server has answered.
    let wanted = RwSignal::new(None::<MemberName>);
    Effect::new(move || {
        let Some(name) = wanted.get() else { return };
        if model.name_refused.get().is_some() {
            wanted.set(None);
        } else if model.me.get() == Some(name) && model.link.get() == Link::Online {
            put(app.dialog, None);
        }
    });
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let Some(field) = field.get_untracked() else { return };
        match MemberName::parse(field.value().trim()) {
            Ok(name) => {
                put(model.name_refused, None);
                app.intend(Intent::ChooseName(name.to_string()));
                wanted.set(Some(name));
            }
            Err(reason) => model.name_refused.set(Some(NameProblem::Rule(reason))),
        }
    };
    let problem = move || model.name_refused.get().map(|problem| app.phrase(&Phrase::NameProblem(&problem)));
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
                    aria-describedby="new-name-problem"
                    aria-invalid=move || model.name_refused.get().is_some().to_string()
                />
                <button
                    type="submit"
                    class="button small"
                    data-testid="rename-submit"
                    disabled=move || wanted.get().is_some()
                >
                    {app.text(Text::Change)}
                </button>
            </div>
            <p class="hint" id="new-name-problem" role="alert" data-problem="true" data-testid="rename-problem">
                {problem}
            </p>
        </form>
    }
    .into_any()
}

fn look(app: App) -> AnyView {
    let theme = move |name: String| app.choose_theme(Theme::from_name(&name));
    let lang = move |tag: String| app.choose_lang(Lang::from_tag(&tag));
    let themes = [("", Text::AsTheSystem), ("light", Text::Light), ("dark", Text::Dark)];
    let themed = move || app.theme.get().map_or("", Theme::name);
    let tagged = move || app.chosen_lang.get().map_or("", Lang::tag);
    let name_of = move |lang: Lang| move || Text::OtherLang.in_lang(lang.other());
    view! {
        <div class="setting">
            <label for="theme">{app.text(Text::Theme)}</label>
            <select
                id="theme"
                class="field small"
                data-testid="theme"
                prop:value=themed
                on:change=move |event| theme(chosen(&event))
            >
                {themes.map(|(name, text)| view! { <option value=name>{app.text(text)}</option> })}
            </select>
            <label for="lang">{app.text(Text::Language)}</label>
            <select
                id="lang"
                class="field small"
                data-testid="lang"
                prop:value=tagged
                on:change=move |event| lang(chosen(&event))
            >
                <option value="">{app.text(Text::AsTheBrowser)}</option>
                {[Lang::Zh, Lang::En]
                    .map(|lang| {
                        view! {
                            <option value=lang.tag() lang=lang.tag()>
                                {name_of(lang)}
                            </option>
                        }
                    })}
            </select>
        </div>
    }
    .into_any()
}

fn chosen(event: &web_sys::Event) -> String {
    event_target::<HtmlSelectElement>(event).value()
}

fn notifications(app: App) -> AnyView {
    let permission = RwSignal::new(notify::permission());
    let line = move |text: Text| view! { <p class="hint">{app.text(text)}</p> };
    let button = move |text: Text, act: fn(App, RwSignal<Permission>)| {
        view! {
            <button
                type="button"
                class="button"
                data-testid="notify"
                on:click=move |_| act(app, permission)
            >
                {app.text(text)}
            </button>
        }
    };
    let ask: fn(App, RwSignal<Permission>) = |app, permission| {
        notify::ask(move |now| {
            permission.set(now);
            app.choose_notify(true);
        });
    };
    view! {
        <div class="setting" data-testid="notifications" data-on=move || app.notify.get().to_string()>
            {move || match permission.get() {
                Permission::Askable => EitherOf5::A(button(Text::NotifyOn, ask)),
                Permission::Granted if app.notify.get() => {
                    EitherOf5::B((
                        line(Text::NotifyIsOn),
                        button(Text::NotifyOff, |app, _| app.choose_notify(false)),
                    ))
                }
                Permission::Granted => {
                    EitherOf5::C(button(Text::NotifyOn, |app, _| app.choose_notify(true)))
                }
                Permission::Denied => EitherOf5::D(line(Text::NotifyDenied)),
                Permission::Insecure => EitherOf5::D(line(Text::NotifyInsecure)),
                Permission::Missing => EitherOf5::E(()),
            }}
        </div>
    }
    .into_any()
}

fn sign_out(app: App) -> AnyView {
    // How many messages wait to be sent; known once the user wants to sign out.
    let unsent = RwSignal::new(None::<usize>);
    let ask = move |_| app.count_unsent(move |count| unsent.set(Some(count)));
    view! {
        <div class="setting">
            {shown(
                move || unsent.get().is_none(),
                move || {
                    view! {
                        <button type="button" class="button danger" data-testid="sign-out" on:click=ask>
                            {app.text(Text::SignOut)}
                        </button>
                    }
                },
            )}
            {shown(move || unsent.get().is_some(), move || sign_out_sure(app, unsent))}
        </div>
    }
    .into_any()
}

fn sign_out_sure(app: App, unsent: RwSignal<Option<usize>>) -> AnyView {
    let cancel = NodeRef::<html::Button>::new();
    Effect::new(move || {
        if let Some(cancel) = cancel.get() {
            let _ = cancel.focus();
        }
    });
    let question = move || {
        let me = app.model.me.get().map(|name| name.to_string()).unwrap_or_default();
        app.phrase(&Phrase::SignOutSure {
            name: &me,
            unsent: unsent.get().unwrap_or_default(),
            online: app.model.link.get() == Link::Online,
        })
    };
    let forget = move |_| {
        put(app.dialog, None);
        app.intend(Intent::ForgetMe);
    };
    view! {
        <p role="alert" data-testid="sign-out-question">
            {question}
        </p>
        <div class="field-row">
            <button type="button" class="button danger" data-testid="sign-out-sure" on:click=forget>
                {app.text(Text::SignOut)}
            </button>
            <button type="button" class="button" node_ref=cancel on:click=move |_| unsent.set(None)>
                {app.text(Text::Cancel)}
            </button>
        </div>
    }
    .into_any()
}

//! The button beside a notice that makes good what went wrong.

use leptos::prelude::*;
use teahouse_client_core::{Intent, Notice};
use teahouse_protocol::ErrorCode;

use crate::app::App;
use crate::i18n::{Phrase, Text};

/// What makes good what a notice tells of, where one click can.
pub(crate) fn cure(app: App, notice: &Notice) -> Option<AnyView> {
    match notice {
        Notice::ServerError { room: Some(room), code: ErrorCode::NoSuchRoom, .. } => {
            let name = room.clone();
            let label = move || app.phrase(&Phrase::CreateNamed(name.as_str()));
            Some(button(app, Intent::Create(room.clone()), label))
        }
        Notice::NotMember { room }
        | Notice::ServerError { room: Some(room), code: ErrorCode::NotMember, .. } => {
            Some(button(app, Intent::Join(room.clone()), move || app.say(Text::Join).to_owned()))
        }
        _ => None,
    }
}

fn button(app: App, intent: Intent, label: impl Fn() -> String + Send + 'static) -> AnyView {
    let act = move |_| {
        app.model.clear_notices();
        app.intend(intent.clone());
    };
    view! {
        <button type="button" class="button small" data-testid="notice-action" on:click=act>
            {label}
        </button>
    }
    .into_any()
}

//! What somebody said.

use leptos::either::Either;
use leptos::prelude::*;
use teahouse_client_core::{MemberNames, Names, Span, spans};

use super::code_block::code_block;
use crate::app::App;

/// Draws a text. `mine`: the user said it, who is not told of it.
pub(super) fn words(app: App, text: String, mine: bool) -> impl IntoView {
    // Who is a member decides what is a name, where one may stand.
    if text.contains('@') {
        Either::Left(move || app.model.member_names.with(|members| draw(app, &text, mine, Some(members))))
    } else {
        Either::Right(draw(app, &text, mine, None))
    }
}

fn draw(app: App, text: &str, mine: bool, members: Option<&MemberNames>) -> Vec<AnyView> {
    let me = app.model.me.get_untracked().filter(|_| !mine);
    spans(text, Names { me: me.as_ref(), members })
        .into_iter()
        .map(|span| match span {
            Span::Text(text) => text.into_any(),
            Span::Link { href, text } => {
                view! { <a href=href target="_blank" rel="noopener noreferrer nofollow" dir="ltr">{text}</a> }
                    .into_any()
            }
            Span::Mention { text, me } => {
                view! { <span class="mention-name" data-me=me.to_string()>{text}</span> }.into_any()
            }
            Span::Code(text) => view! { <code>{text}</code> }.into_any(),
            Span::Block { language, code } => code_block(app, language, code).into_any(),
        })
        .collect()
}

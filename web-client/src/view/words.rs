//! What somebody said.

use leptos::either::Either;
use leptos::prelude::*;
use teahouse_client_core::{MemberNames, Names, Span, spans};

use super::code_block::code_block;
use crate::app::App;

/// Draws a text. `mine`: the user said it, who is not told of it.
pub(super) fn words(app: App, text: String, mine: bool) -> impl IntoView {
    // Who is a member decides what is a name, where one may stand. Most who come or go change nothing in a text, and what
    // is selected or unfolded in it stays.
    if text.contains('@') {
        let split = move |_: Option<&_>| {
            app.model.member_names.with(|members| split(app, &text, mine, Some(members)))
        };
        let split = Memo::new(split);
        Either::Left(move || draw(app, split.get()))
    } else {
        Either::Right(draw(app, split(app, &text, mine, None)))
    }
}

fn split(app: App, text: &str, mine: bool, members: Option<&MemberNames>) -> Vec<Span> {
    let me = app.model.me.get_untracked().filter(|_| !mine);
    spans(text, Names { me: me.as_ref(), members })
}

fn draw(app: App, spans: Vec<Span>) -> Vec<AnyView> {
    spans
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

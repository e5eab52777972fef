//! One row of the timeline.

use std::fmt::Write;
use std::sync::Arc;

use leptos::either::{Either, EitherOf6};
use leptos::prelude::*;
use teahouse_client_core::{Intent, LocalId, PostState, Row, RowKey};
use teahouse_protocol::{ErrorCode, MemberName, Seq, UnixMillis};

use super::icon::{Icon, icon};
use super::seal::seal;
use super::shown::shown;
use super::text_shape::{is_emoji, is_long, shown_text};
use super::words::words;
use crate::address::Address;
use crate::app::App;
use crate::calendar::{Day, day_number, time_of_day};
use crate::clock;
use crate::i18n::{Phrase, Text};
use crate::palette::hue_class;

/// A row's key as an attribute, by which the scroller finds it again.
pub(crate) fn key_text(key: RowKey) -> String {
    match key {
        RowKey::Day(day) => format!("d{day}"),
        RowKey::Unread => "unread".to_owned(),
        RowKey::Seq(seq) => format!("s{seq}"),
        RowKey::Local(LocalId(local)) => format!("l{local}"),
        RowKey::Gap(seq) => format!("g{seq}"),
    }
}

/// The key that [`key_text`] made an attribute of.
pub(crate) fn key_from_text(text: &str) -> Option<RowKey> {
    if text == "unread" {
        return Some(RowKey::Unread);
    }
    let (kind, number) = text.split_at_checked(1)?;
    let seq = || Seq::new(number.parse().ok()?).ok();
    match kind {
        "d" => Some(RowKey::Day(number.parse().ok()?)),
        "s" => Some(RowKey::Seq(seq()?)),
        "l" => Some(RowKey::Local(LocalId(number.parse().ok()?))),
        "g" => Some(RowKey::Gap(seq()?)),
        _ => None,
    }
}

/// Draws a row. A row stays of one kind as long as it has its key.
pub(crate) fn row(
    app: App,
    key: RowKey,
    row: ArcRwSignal<Arc<Row>>,
    marked: ReadSignal<Option<Seq>>,
) -> impl IntoView {
    let key = key_text(key);
    move || {
        let key = key.clone();
        match (*row.get()).clone() {
            Row::Day { year, month, day, weekday, .. } => {
                EitherOf6::A(day_divider(app, key, Day { year, month, day, weekday }))
            }
            Row::Unread => EitherOf6::B(view! {
                <div class="divider unread" data-key=key data-testid="unread-line" role="separator">
                    <span>{app.text(Text::NewMessages)}</span>
                </div>
            }),
            Row::Message {
                seq,
                local,
                by,
                at,
                text,
                action,
                mine,
                mentions_me,
                first_of_group,
                state,
                ..
            } => {
                let message =
                    Message { seq, local, by, at, text, action, mine, mentions_me, first_of_group, state };
                EitherOf6::C(message.view(app, key, marked))
            }
            Row::Members { joined, left, .. } => EitherOf6::D(membership(app, key, &joined, &left)),
            Row::Created { by, .. } => {
                let by = by.to_string();
                EitherOf6::E(view! {
                    <div class="quiet" data-key=key data-testid="created">
                        {move || app.phrase(&Phrase::Created(&by))}
                    </div>
                })
            }
            Row::Gap { before, loading, .. } => EitherOf6::F(gap(app, key, before, loading)),
        }
    }
}

fn day_divider(app: App, key: String, day: Day) -> impl IntoView {
    let today = move || {
        let now = clock::now().unix;
        day_number(now, clock::offset_minutes(now))
    };
    view! {
        <div class="divider day" data-key=key data-testid="day" role="separator">
            <span>{move || app.phrase(&Phrase::Divider { day, today: today() })}</span>
        </div>
    }
}

fn membership(app: App, key: String, joined: &[MemberName], left: &[MemberName]) -> impl IntoView + use<> {
    let names = |names: &[MemberName]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (joined, left) = (names(joined), names(left));
    let nobody = joined.is_empty() && left.is_empty();
    let all = [joined.join(" "), left.join(" ")].join(" · ");
    view! {
        <div class="quiet" data-key=key data-testid="membership" title=all hidden=nobody>
            {move || app.phrase(&Phrase::CameAndWent { joined: &joined, left: &left })}
        </div>
    }
}

fn gap(app: App, key: String, before: Option<Seq>, loading: bool) -> impl IntoView {
    let load = move |_| {
        if let Some(room) = app.model.active.get_untracked() {
            app.intend(match before {
                Some(seq) => Intent::LoadBefore { room, seq },
                None => Intent::LoadOlder(room),
            });
        }
    };
    view! {
        <div class="gap" data-key=key data-testid="gap" data-loading=loading.to_string()>
            <span>{move || app.say(if loading { Text::Loading } else { Text::Gap })}</span>
            <button type="button" class="button small" disabled=loading on:click=load>
                {app.text(Text::LoadGap)}
            </button>
        </div>
    }
}

struct Message {
    seq: Option<Seq>,
    local: Option<LocalId>,
    by: MemberName,
    at: UnixMillis,
    text: String,
    action: bool,
    mine: bool,
    mentions_me: bool,
    first_of_group: bool,
    state: Option<PostState>,
}

impl Message {
    fn view(self, app: App, key: String, marked: ReadSignal<Option<Seq>>) -> impl IntoView + use<> {
        let Self { seq, local, by, at, text, action, mine, mentions_me, first_of_group, state } = self;
        let name = by.to_string();
        let state_name = match &state {
            None => "logged",
            Some(PostState::Queued) => "queued",
            Some(PostState::Sent) => "sent",
            Some(PostState::Failed { .. }) => "failed",
            Some(PostState::Unknown) => "unknown",
        };
        let mut class = String::from("message");
        for (applies, word) in
            [(first_of_group, "first"), (mine, "mine"), (mentions_me, "mentions-me"), (action, "action")]
        {
            if applies {
                let _ = write!(class, " {word}");
            }
        }
        let room = app.model.active.get_untracked();
        let link = seq.zip(room).map(|(seq, room)| Address::of_message(&room, seq));
        let text = shown_text(&text);
        let text_class = if is_emoji(text) { "message-text emoji" } else { "message-text" };
        // A block of code folds by itself.
        let long = is_long(text) && !text.contains("```");
        let unfolded = RwSignal::new(false);
        let folded = move || (long && !unfolded.get()).to_string();
        let is_marked = move || (seq.is_some() && marked.get() == seq).to_string();
        // What somebody does has its author in the sentence.
        let head = (first_of_group && !action).then(|| {
            view! {
                <div class="message-head">
                    <span class=format!("name {}", hue_class(&name))>{name.clone()}</span>
                    {time(at, link.clone(), "time")}
                </div>
            }
        });
        let own_time = (first_of_group && action).then(|| time(at, link.clone(), "time"));
        let gutter = if first_of_group {
            Either::Left(seal(&name))
        } else {
            Either::Right(view! {
                {time(at, link, "time gutter-time")}
                <span class="sr">{format!("{name}: ")}</span>
            })
        };
        view! {
            <article
                class=class
                tabindex="-1"
                data-key=key
                data-testid="message"
                data-seq=seq.map(|seq| seq.to_string())
                data-by=name
                data-state=state_name
                data-marked=is_marked
            >
                <div class="message-gutter">{gutter}</div>
                <div class="message-body">
                    {head} <div class=text_class data-folded=folded data-testid="message-text" dir="auto">
                        {action.then(|| view! { <span class=format!("name {}", hue_class(&name))>{name.clone()} " "</span> })}
                        {words(app, text.to_owned(), mine)}
                    </div> {own_time} {long.then(|| unfold_button(app, unfolded))}
                    {state.map(|state| progress(app, &state, local))}
                </div>
            </article>
        }
    }
}

/// The time of a message. Tab does not stop at each: their links are with the messages' other tools.
fn time(at: UnixMillis, link: Option<String>, class: &'static str) -> impl IntoView {
    let shown = time_of_day(at, clock::offset_minutes(at));
    let stamp = at.to_string();
    match link {
        Some(link) => Either::Left(view! {
            <a class=class href=link tabindex="-1">
                <time datetime=stamp>{shown}</time>
            </a>
        }),
        None => Either::Right(view! { <span class=class><time datetime=stamp>{shown}</time></span> }),
    }
}

fn unfold_button(app: App, unfolded: RwSignal<bool>) -> AnyView {
    let button = move || {
        view! {
            <button
                type="button"
                class="text-button unfold"
                data-testid="unfold"
                on:click=move |_| unfolded.set(true)
            >
                {app.text(Text::ShowAll)}
            </button>
        }
    };
    shown(move || !unfolded.get(), button)
}

/// How far a message is that is not yet in the room's log, and what can be done about it.
fn progress(app: App, state: &PostState, local: Option<LocalId>) -> impl IntoView + use<> {
    let button = move |test_id: &'static str, word: Text, intent: fn(LocalId) -> Intent| {
        local.map(|local| {
            view! {
                <button
                    type="button"
                    class="text-button"
                    data-testid=test_id
                    on:click=move |_| app.intend(intent(local))
                >
                    {app.text(word)}
                </button>
            }
        })
    };
    let discard = move || button("discard", Text::Discard, Intent::Discard);
    match state {
        PostState::Queued => Either::Left(view! {
            <div class="progress queued">
                {icon(Icon::Clock)} <span>{app.text(Text::Queued)}</span> {discard()}
            </div>
        }),
        PostState::Sent => Either::Right(Either::Left(view! {
            <div class="progress sent">{icon(Icon::Clock)} <span class="sr">{app.text(Text::Sent)}</span></div>
        })),
        PostState::Failed { code, retryable, .. } => {
            let (code, retryable) = (*code, *retryable);
            let room = app.model.active.get_untracked();
            // Sending it again makes the user a member where that was what was missing.
            let word = if code == Some(ErrorCode::NotMember) { Text::JoinAndSend } else { Text::Retry };
            let retry = retryable.then(|| button("retry", word, Intent::Retry));
            let why = move || app.phrase(&Phrase::Failed { code, room: room.as_ref() });
            Either::Right(Either::Right(Either::Left(view! {
                <div class="progress failed" role="alert">
                    {icon(Icon::Warning)} <span>{why}</span> {retry} {discard()}
                </div>
            })))
        }
        PostState::Unknown => Either::Right(Either::Right(Either::Right(view! {
            <div class="progress failed" role="alert">
                {icon(Icon::Warning)} <span>{app.text(Text::OutcomeUnknown)}</span>
                {button("retry", Text::PostAgain, Intent::Retry)} {discard()}
            </div>
        }))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_again() {
        let seq = Seq::new(7).expect("small");
        for key in
            [RowKey::Day(-3), RowKey::Unread, RowKey::Seq(seq), RowKey::Local(LocalId(8)), RowKey::Gap(seq)]
        {
            assert_eq!(key_from_text(&key_text(key)), Some(key));
        }
        assert_eq!(key_from_text("字7"), None);
        assert_eq!(key_from_text(""), None);
    }
}

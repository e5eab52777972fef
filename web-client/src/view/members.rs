//! Who is in the open room.

use leptos::prelude::*;
use teahouse_protocol::MemberName;

use super::icon::{Icon, icon};
use super::roving::rove;
use super::seal::seal;
use super::shown::shown;
use crate::app::{App, Insertion};
use crate::i18n::{Phrase, Text};
use crate::model::{Keyed, put};

/// The members' panel.
pub(crate) fn members(app: App, inert: impl Fn() -> bool + Send + Sync + 'static) -> AnyView {
    let model = app.model;
    let unlisted = move || {
        let count = model.member_count.get();
        count.total.saturating_sub(count.listed as u64)
    };
    // One member is reached by Tab, the others from there by arrows.
    let entry = Memo::new(move |_| model.online.first_key().or_else(|| model.away.first_key()));
    let more = move || view! { <p class="hint">{move || app.phrase(&Phrase::MoreMembers(unlisted()))}</p> };
    view! {
        <aside
            class="members"
            id="members"
            data-region="members"
            data-testid="members"
            aria-label=app.text(Text::Members)
            inert=inert
        >
            <div class="members-head">
                <h2>{app.text(Text::Members)}</h2>
                <span class="grow"></span>
                <button
                    type="button"
                    class="tool"
                    aria-label=app.text(Text::Close)
                    on:click=move |_| {
                        app.toggle_members()
                    }
                >
                    {icon(Icon::Cross)}
                </button>
            </div>
            <div class="members-scroll" on:keydown=move |event| rove(&event, "#members .member")>
                {group(app, Text::OnlineNow, model.online, true, entry)}
                {group(app, Text::Away, model.away, false, entry)}
                {shown(move || unlisted() > 0, more)}
            </div>
        </aside>
    }
    .into_any()
}

fn group(
    app: App,
    heading: Text,
    members: Keyed<MemberName, ()>,
    online: bool,
    entry: Memo<Option<MemberName>>,
) -> AnyView {
    let list = move || {
        view! {
            <h3 class="members-heading">{app.text(heading)} " " <span>{move || members.len()}</span></h3>
            <ul class="member-list">
                <For each=move || members.slots() key=|slot| slot.0.clone() let:slot>
                    <li>{member(app, slot.0, online, entry)}</li>
                </For>
            </ul>
        }
    };
    shown(move || members.len() > 0, list)
}

fn member(app: App, name: MemberName, online: bool, entry: Memo<Option<MemberName>>) -> AnyView {
    let model = app.model;
    let this = name.clone();
    let is_me = Memo::new(move |_| model.me.with(|me| me.as_ref() == Some(&this)));
    let this = name.clone();
    let is_entry = Memo::new(move |_| entry.with(|entry| entry.as_ref() == Some(&this)));
    let you = move || view! { <span class="member-you">{app.text(Text::You)}</span> };
    let text = name.to_string();
    let data = text.clone();
    view! {
        <button
            type="button"
            class="member"
            data-testid="member"
            data-name=data
            data-online=online.to_string()
            tabindex=move || if is_entry.get() { "0" } else { "-1" }
            on:click=move |_| {
                put(app.drawer, None);
                app.insert.set(Some(Insertion::Words(format!("@{name} "))));
            }
        >
            {seal(&text)}
            <span class="member-name">{text}</span>
            {shown(move || is_me.get(), you)}
            <span class="sr">{move || app.say(if online { Text::OnlineNow } else { Text::Away })}</span>
        </button>
    }
    .into_any()
}

//! Ctrl+K: find a room and go there, or make it.

use leptos::html;
use leptos::prelude::*;
use teahouse_protocol::RoomName;
use web_sys::KeyboardEvent;

use super::dialog::dialog;
use super::icon::{Icon, icon};
use super::shown::shown;
use crate::app::{App, Dialog};
use crate::i18n::{Phrase, Text};
use crate::model::RoomLine;
use crate::pinyin;
use crate::room_search::{fit, folded};

/// The most rooms offered at a time.
const OFFERED_MAX: usize = 12;

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Choice {
    /// Go to this room.
    Go(RoomLine),
    /// Make the room of this name.
    Make(RoomName),
}

/// What is offered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Offer {
    choices: Vec<Choice>,
    /// So many more rooms fit.
    more: usize,
}

/// The switcher's dialog.
pub(crate) fn switcher(app: App) -> AnyView {
    dialog(app, Dialog::Switcher, Text::SwitchRoom, move || search(app)).into_any()
}

fn search(app: App) -> AnyView {
    let field = NodeRef::<html::Input>::new();
    let typed = RwSignal::new(String::new());
    let chosen = RwSignal::new(0_usize);
    Effect::new(move || {
        if let Some(field) = field.get() {
            let _ = field.focus();
        }
    });
    let rooms = move || {
        let model = app.model;
        // The values are read as they are now; what is waited for are rooms that were not known yet.
        let _ = (model.rooms.len(), model.other_rooms.len());
        [model.rooms.values_untracked(), model.other_rooms.values_untracked()].concat()
    };
    let offer = Memo::new(move |_| offer(&rooms(), &typed.get(), pinyin::initials));
    let found = Memo::new(move |_| offer.with(|offer| !offer.choices.is_empty()));
    let take = move |choice: Choice| match choice {
        Choice::Go(room) => app.open(room.name),
        Choice::Make(room) => app.create(room),
    };
    let on_keydown = move |event: KeyboardEvent| {
        if event.is_composing() || event.key_code() == 229 {
            return;
        }
        let last = offer.with(|offer| offer.choices.len().saturating_sub(1));
        match event.key().as_str() {
            "ArrowDown" => chosen.update(|chosen| *chosen = (*chosen + 1).min(last)),
            "ArrowUp" => chosen.update(|chosen| *chosen = chosen.saturating_sub(1)),
            "Enter" => {
                if let Some(choice) = offer.with(|offer| offer.choices.get(chosen.get_untracked()).cloned()) {
                    take(choice);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    let on_input = move |event| {
        typed.set(event_target_value(&event));
        chosen.set(0);
    };
    let line = move |index: usize, choice: Choice| {
        let taken = choice.clone();
        view! {
            <li
                id=format!("switch-{index}")
                class="switch"
                role="option"
                aria-selected=move || (chosen.get() == index).to_string()
                on:click=move |_| take(taken.clone())
            >
                {face(app, choice)}
            </li>
        }
    };
    let list = move || {
        view! {
            <ul
                class="switcher-list"
                id="switcher-list"
                role="listbox"
                aria-label=app.text(Text::Rooms)
            >
                {move || {
                    let choices = offer.get().choices.into_iter().enumerate();
                    choices.map(|(index, choice)| line(index, choice)).collect_view()
                }}
            </ul>
        }
    };
    let rest = move || match offer.with(|offer| (offer.more, offer.choices.is_empty())) {
        (_, true) => app.say(Text::NoRoomFound).to_owned(),
        (0, false) => app.say(Text::SwitchKeys).to_owned(),
        (more, false) => app.phrase(&Phrase::MoreRooms(more as u64)),
    };
    view! {
        <input
            node_ref=field
            class="field"
            data-testid="switcher-input"
            role="combobox"
            aria-autocomplete="list"
            aria-expanded=move || found.get().to_string()
            aria-controls=move || found.get().then_some("switcher-list")
            aria-activedescendant=move || found.get().then(|| format!("switch-{}", chosen.get()))
            aria-label=app.text(Text::SwitchHint)
            placeholder=app.text(Text::SwitchHint)
            autocomplete="off"
            spellcheck="false"
            on:input=on_input
            on:keydown=on_keydown
        />
        <div class="switcher-found">
            {shown(move || found.get(), list)}
            <p class="hint" role="status" data-testid="switcher-rest">{rest}</p>
        </div>
    }
    .into_any()
}

fn face(app: App, choice: Choice) -> AnyView {
    match choice {
        Choice::Go(room) => view! {
            <span class="room-mark" aria-hidden="true">"#"</span>
            <span class="room-name">{room.name.to_string()}</span>
            {(room.unread > 0).then(|| view! { <span class="badge">{room.unread}</span> })}
        }
        .into_any(),
        Choice::Make(room) => {
            let text = move || app.phrase(&Phrase::CreateNamed(room.as_str()));
            view! {
                <span class="room-mark">{icon(Icon::Plus)}</span>
                <span class="room-name" data-testid="switcher-make">{text}</span>
            }
            .into_any()
        }
    }
}

/// The rooms to offer for what was typed. Without a word: those with something new first. Else by how well they fit, and
/// last to make the room that is called so, where there is none.
fn offer(rooms: &[RoomLine], typed: &str, initials: impl Fn(&str) -> String) -> Offer {
    let word = folded(typed);
    let rank = |room: &RoomLine| {
        let fit = fit(room.name.as_str(), &word, &initials)?;
        let news = if word.is_empty() { (room.mentions == 0, room.unread == 0) } else { (false, false) };
        Some((fit, news, !room.joined))
    };
    let mut found: Vec<_> = rooms.iter().filter_map(|room| Some((rank(room)?, room))).collect();
    // By hand, in place: a library sort of its own weighs more than the whole dialog.
    for sorted in 1..found.len() {
        let at = found[..sorted].partition_point(|(rank, _)| *rank <= found[sorted].0);
        found[at..=sorted].rotate_right(1);
    }
    let more = found.len().saturating_sub(OFFERED_MAX);
    let is_there =
        |name: &RoomName| rooms.iter().any(|room| folded(room.name.as_str()) == folded(name.as_str()));
    let new = RoomName::parse(typed.trim().trim_start_matches('#')).ok().filter(|name| !is_there(name));
    let go = found.into_iter().take(OFFERED_MAX).map(|(_, room)| Choice::Go(room.clone()));
    Offer { choices: go.chain(new.map(Choice::Make)).collect(), more }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str, joined: bool, unread: u64) -> RoomLine {
        let name = RoomName::parse(name).expect("a legal name");
        RoomLine { name, joined, unread, mentions: 0, drafted: false }
    }

    fn names(rooms: &[RoomLine], typed: &str) -> Vec<String> {
        let choices = offer(rooms, typed, |name| name.replace('茶', "c").replace('道', "d")).choices;
        let name = |choice| match choice {
            Choice::Go(room) => room.name.to_string(),
            Choice::Make(name) => format!("+{name}"),
        };
        choices.into_iter().map(name).collect()
    }

    #[test]
    fn rooms_are_found_by_their_beginning_first_and_made_last() {
        let rooms = [
            room("lobby", true, 0),
            room("茶道", true, 2),
            room("Tea", false, 0),
            room("green-tea", true, 0),
        ];
        assert_eq!(names(&rooms, ""), ["茶道", "lobby", "green-tea", "Tea"]);
        assert_eq!(names(&rooms, "tea"), ["Tea", "green-tea"], "it is there in another case");
        assert_eq!(names(&rooms, "#茶"), ["茶道", "+茶"]);
        assert_eq!(names(&rooms, "cd"), ["茶道", "+cd"]);
        assert_eq!(names(&rooms, "gt"), ["green-tea", "+gt"]);
        assert_eq!(names(&rooms, " 新房间 "), ["+新房间"]);
        assert_eq!(names(&rooms, "no room"), [""; 0], "a name has no spaces");
    }

    #[test]
    fn what_does_not_fit_on_the_list_is_counted() {
        let rooms: Vec<RoomLine> = (0..51).map(|number| room(&format!("room-{number}"), true, 0)).collect();
        let offer = offer(&rooms, "room", |name| name.to_owned());
        assert_eq!((offer.choices.len(), offer.more), (OFFERED_MAX + 1, 39));
    }
}

//! Ctrl+K: find a room and go there.

use leptos::html;
use leptos::prelude::*;
use teahouse_protocol::RoomName;
use web_sys::KeyboardEvent;

use super::dialog::dialog;
use super::shown::shown;
use crate::app::{App, Dialog};
use crate::i18n::Text;
use crate::model::RoomLine;

/// The most rooms offered at a time.
const OFFERED_MAX: usize = 12;

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
    let found = Memo::new(move |_| offered(&rooms(), &typed.get()));
    let on_keydown = move |event: KeyboardEvent| {
        if event.is_composing() || event.key_code() == 229 {
            return;
        }
        let last = found.with(|found| found.len().saturating_sub(1));
        match event.key().as_str() {
            "ArrowDown" => chosen.update(|chosen| *chosen = (*chosen + 1).min(last)),
            "ArrowUp" => chosen.update(|chosen| *chosen = chosen.saturating_sub(1)),
            "Enter" => {
                if let Some(room) = found.with(|found| found.get(chosen.get_untracked()).cloned()) {
                    app.open(room.name);
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
    let nothing = move || view! { <li class="hint">{app.text(Text::NoRoomFound)}</li> };
    view! {
        <input
            node_ref=field
            class="field"
            data-testid="switcher-input"
            role="combobox"
            aria-expanded="true"
            aria-controls="switcher-list"
            aria-activedescendant=move || format!("switch-{}", chosen.get())
            aria-label=app.text(Text::SwitchHint)
            placeholder=app.text(Text::SwitchHint)
            autocomplete="off"
            spellcheck="false"
            on:input=on_input
            on:keydown=on_keydown
        />
        <ul class="switcher-list" id="switcher-list" role="listbox">
            {move || {
                found
                    .get()
                    .into_iter()
                    .enumerate()
                    .map(|(index, room)| {
                        let name = room.name.clone();
                        view! {
                            <li
                                id=format!("switch-{index}")
                                class="switch"
                                role="option"
                                aria-selected=move || (chosen.get() == index).to_string()
                                on:click=move |_| app.open(name.clone())
                            >
                                <span class="room-mark" aria-hidden="true">"#"</span>
                                <span class="room-name">{room.name.to_string()}</span>
                                {(room.unread > 0).then(|| view! { <span class="badge">{room.unread}</span> })}
                            </li>
                        }
                    })
                    .collect_view()
            }}
            {shown(move || found.with(Vec::is_empty), nothing)}
        </ul>
    }
.into_any()
}

/// The rooms to offer for what was typed. Without a word: those with something new first. Else those whose name begins
/// with it, then those that contain it.
fn offered(rooms: &[RoomLine], typed: &str) -> Vec<RoomLine> {
    let word = typed.trim().trim_start_matches('#').to_lowercase();
    let rank = |room: &RoomLine| {
        let name = fold(&room.name);
        match name.find(&word)? {
            _ if word.is_empty() => {
                Some((u8::from(room.mentions == 0), u8::from(room.unread == 0), u8::from(!room.joined)))
            }
            0 => Some((0, 0, u8::from(!room.joined))),
            _ => Some((1, 0, u8::from(!room.joined))),
        }
    };
    let mut found: Vec<_> = rooms.iter().filter_map(|room| Some((rank(room)?, room))).collect();
    // By hand, in place: a library sort of its own weighs more than the whole dialog.
    for sorted in 1..found.len() {
        let at = found[..sorted].partition_point(|(rank, _)| *rank <= found[sorted].0);
        found[at..=sorted].rotate_right(1);
    }
    found.into_iter().map(|(_, room)| room.clone()).take(OFFERED_MAX).collect()
}

fn fold(name: &RoomName) -> String {
    name.as_str().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_found_by_their_beginning_first() {
        let room = |name: &str, joined, unread| RoomLine {
            name: RoomName::parse(name).expect("a legal name"),
            joined,
            unread,
            mentions: 0,
        };
        let rooms = [
            room("lobby", true, 0),
            room("茶道", true, 2),
            room("Tea", false, 0),
            room("green-tea", true, 0),
        ];
        let names =
            |typed: &str| offered(&rooms, typed).iter().map(|room| room.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(""), ["茶道", "lobby", "green-tea", "Tea"]);
        assert_eq!(names("tea"), ["Tea", "green-tea"]);
        assert_eq!(names("#茶"), ["茶道"]);
        assert_eq!(names("x"), [""; 0]);
    }
}

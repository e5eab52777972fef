//! What the composer offers for the word that is being written: members, rooms, commands.

use leptos::prelude::*;

use super::shown::shown;
use crate::app::App;
use crate::i18n::Text;
use crate::model::put;

/// The most that is offered at a time.
const OFFERED_MAX: usize = 8;

/// What is offered, and what of it is chosen. A copy is the same offer.
#[derive(Clone, Copy)]
pub(crate) struct Offer {
    words: RwSignal<Vec<String>>,
    chosen: RwSignal<Option<usize>>,
}

impl Offer {
    /// Nothing is offered.
    pub(crate) fn new() -> Self {
        Self { words: RwSignal::new(Vec::new()), chosen: RwSignal::new(None) }
    }

    /// Offers these words. None is chosen, so that Enter still sends.
    pub(crate) fn make(self, mut words: Vec<String>) {
        words.truncate(OFFERED_MAX);
        put(self.chosen, None);
        put(self.words, words);
    }

    /// Offers nothing any more. Answers whether something was offered.
    pub(crate) fn close(self) -> bool {
        let open = self.words.with_untracked(|words| !words.is_empty());
        self.make(Vec::new());
        open
    }

    /// Which word is chosen.
    pub(crate) fn chosen(self) -> Option<usize> {
        self.chosen.get_untracked()
    }

    /// Up and Down choose. Answers whether the key did.
    pub(crate) fn step(self, key: &str) -> bool {
        let count = self.words.with_untracked(Vec::len);
        if count == 0 {
            return false;
        }
        let chosen = self.chosen.get_untracked();
        let next = match key {
            "ArrowDown" => chosen.map_or(0, |at| (at + 1) % count),
            "ArrowUp" => chosen.map_or(count - 1, |at| (at + count - 1) % count),
            _ => return false,
        };
        put(self.chosen, Some(next));
        true
    }

    /// The id of the list while there is one.
    pub(crate) fn list_id(self) -> Option<&'static str> {
        self.words.with(|words| !words.is_empty()).then_some("offer")
    }

    /// The id of the chosen word.
    pub(crate) fn chosen_id(self) -> Option<String> {
        self.chosen.get().map(|at| format!("offer-{at}"))
    }
}

/// The list above the field.
pub(crate) fn offer_list(
    app: App,
    offer: Offer,
    take: impl Fn(usize) + Copy + Send + Sync + 'static,
) -> AnyView {
    let line = move |index: usize, word: String| {
        view! {
            <li
                id=format!("offer-{index}")
                class="switch"
                role="option"
                data-testid="offered"
                aria-selected=move || (offer.chosen.get() == Some(index)).to_string()
                on:click=move |_| take(index)
            >
                {word.trim_end().to_owned()}
            </li>
        }
    };
    let list = move || {
        view! {
            // The field keeps the focus.
            <ul
                class="offer"
                id="offer"
                role="listbox"
                aria-label=app.text(Text::Offered)
                on:pointerdown=move |event| event.prevent_default()
            >
                {move || {
                    let words = offer.words.get().into_iter().enumerate();
                    words.map(|(index, word)| line(index, word)).collect_view()
                }}
            </ul>
        }
    };
    shown(move || offer.words.with(|words| !words.is_empty()), list)
}

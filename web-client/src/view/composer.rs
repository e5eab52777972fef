//! Where the user writes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use leptos::html;
use leptos::prelude::*;
use teahouse_client_core::{Intent, SlashCommand, Standing};
use teahouse_protocol::RoomName;
use wasm_bindgen::JsCast;
use web_sys::{HtmlTextAreaElement, KeyboardEvent};

use super::held::Held;
use super::icon::{Icon, icon};
use super::offer::{Offer, offer_list};
use crate::app::{App, Insertion};
use crate::completion::{self, Candidates, Completion, bytes_from_utf16, complete, utf16_from_bytes};
use crate::composing::{Composition, Key, Meaning, is_insertion};
use crate::i18n::{Phrase, Text};
use crate::page;

/// The tallest that the field grows by itself, in pixels; the style sheet has a limit of its own for small screens.
const HEIGHT_MAX_PX: i32 = 240;

struct Composer {
    app: App,
    field: NodeRef<html::Textarea>,
    /// The room that the text in the field is for.
    room: RefCell<Option<RoomName>>,
    composition: Cell<Composition>,
    completion: RefCell<Option<Completion>>,
    /// The text that the field's height was made for.
    fitted: RefCell<String>,
    /// Whether there is something to send.
    filled: RwSignal<bool>,
    /// What can stand in the place of the word at the caret.
    offer: Offer,
}

/// The composer.
pub(crate) fn composer(app: App) -> AnyView {
    let field = NodeRef::<html::Textarea>::new();
    let filled = RwSignal::new(false);
    let offer = Offer::new();
    let composer = Held::new(Rc::new(Composer {
        app,
        field,
        room: RefCell::new(None),
        composition: Cell::default(),
        completion: RefCell::default(),
        fitted: RefCell::default(),
        filled,
        offer,
    }));
    let with = move |act: fn(&Composer)| composer.act(act);
    Effect::new(move || {
        app.model.draft.track();
        field.track();
        with(Composer::take_draft);
    });
    Effect::new(move || {
        if let Some(insertion) = app.insert.get() {
            composer.act(|composer| composer.insert(insertion));
            app.insert.set(None);
        }
    });
    let placeholder = move || {
        let room = app.model.active.get();
        room.map(|room| app.phrase(&Phrase::WriteTo(room.as_str()))).unwrap_or_default()
    };
    let composition_end = move |_| {
        with(Composer::composition_end);
        set_timeout(move || with(Composer::tick), Duration::ZERO);
    };
    view! {
        <div class="composer">
            {offer_list(app, offer, move |chosen| composer.act(|composer| composer.take_offered(chosen)))}
            <div class="composer-box">
                <textarea
                    node_ref=field
                    id="composer"
                    class="composer-field"
                    data-testid="composer"
                    rows="1"
                    dir="auto"
                    enterkeyhint="send"
                    aria-autocomplete="list"
                    aria-controls=move || offer.list_id()
                    aria-activedescendant=move || offer.chosen_id()
                    aria-label=placeholder
                    placeholder=placeholder
                    disabled=move || app.model.standing.get() != Some(Standing::Member)
                    on:compositionstart=move |_| with(Composer::composition_start)
                    on:compositionend=composition_end
                    on:input=move |_| with(Composer::on_input)
                    on:blur=move |_| with(Composer::on_blur)
                    on:keydown=move |event| composer.act(|composer| composer.on_keydown(&event))
                ></textarea>
                <button
                    type="button"
                    class="send"
                    data-testid="send"
                    title=app.text(Text::Send)
                    aria-label=app.text(Text::Send)
                    data-filled=move || filled.get().to_string()
                    // The field keeps the focus, and a phone its keyboard.
                    on:pointerdown=move |event| event.prevent_default()
                    on:click=move |_| with(Composer::send)
                >
                    {icon(Icon::Send)}
                </button>
            </div>
            <p class="composer-hint" aria-hidden="true">{app.text(Text::ComposerHint)}</p>
        </div>
    }
    .into_any()
}

impl Composer {
    fn on_blur(&self) {
        self.offer.close();
    }

    fn composition_start(&self) {
        self.update_composition(Composition::start);
    }

    fn composition_end(&self) {
        self.update_composition(Composition::end);
    }

    /// The tick after a composition's end.
    fn tick(&self) {
        self.update_composition(Composition::tick);
        if !self.composition.get().holds_field() {
            self.on_input();
        }
    }

    fn update_composition(&self, update: fn(&mut Composition)) {
        let mut composition = self.composition.get();
        update(&mut composition);
        self.composition.set(composition);
    }

    /// The user has changed the text.
    fn on_input(&self) {
        let Some(field) = self.field.get_untracked() else { return };
        self.fit(&field);
        // What an input method shows on the way is nobody's draft.
        if self.composition.get().holds_field() {
            return;
        }
        let text = field.value();
        self.filled.set(!text.trim().is_empty());
        self.make_offer(&field, &text);
        self.app.model.text_changes();
        if let Some(room) = self.room.borrow().clone() {
            self.app.intend(Intent::Draft { room, text });
        }
    }

    /// The brain has another text for the field, or another room is open.
    fn take_draft(&self) {
        let Some(field) = self.field.get_untracked() else { return };
        let draft = self.app.model.draft.get_untracked();
        let switched = *self.room.borrow() != draft.room;
        if switched {
            self.offer.close();
            // The input method's text belongs to the room before; it has gone into that room's draft, or is dropped.
            self.composition.set(Composition::Idle);
            *self.room.borrow_mut() = draft.room;
        }
        if !self.composition.get().holds_field() && field.value() != draft.text {
            field.set_value(&draft.text);
            self.filled.set(!draft.text.trim().is_empty());
        }
        self.fit(&field);
        if switched && !page::is_touch() {
            let _ = field.focus();
        }
    }

    /// Makes the field as tall as its text. Mostly one more letter needs no other height, and the whole page need not be
    /// laid out anew to find that out.
    fn fit(&self, field: &HtmlTextAreaElement) {
        let text = field.value();
        let longer = is_insertion(&self.fitted.borrow(), &text);
        *self.fitted.borrow_mut() = text;
        if !longer || field.scroll_height() > field.client_height() {
            grow(field);
        }
    }

    fn on_keydown(&self, event: &KeyboardEvent) {
        let name = event.key();
        let key = Key {
            key: &name,
            key_code: event.key_code(),
            is_composing: event.is_composing(),
            shift: event.shift_key(),
            alt: event.alt_key(),
            control: event.ctrl_key(),
            meta: event.meta_key(),
        };
        match self.composition.get().key(&key) {
            Meaning::Send => {
                event.prevent_default();
                match self.offer.chosen() {
                    Some(chosen) => self.take_offered(chosen),
                    None => self.send(),
                }
            }
            // Where nothing can be completed, Tab leaves the field as everywhere.
            Meaning::Complete => {
                if self.complete() {
                    event.prevent_default();
                }
            }
            Meaning::Escape if self.offer.close() => event.prevent_default(),
            // The page's own keys take it.
            Meaning::Escape => {}
            Meaning::Text => {
                let composing = self.composition.get() != Composition::Idle || key.is_composing;
                let plain = !(key.shift || key.alt || key.control || key.meta || composing);
                if plain && self.offer.step(key.key) {
                    event.prevent_default();
                }
            }
        }
    }

    fn send(&self) {
        let Some(field) = self.field.get_untracked() else { return };
        let Some(room) = self.room.borrow().clone() else { return };
        let text = field.value();
        if text.trim().is_empty() || self.composition.get().holds_field() {
            return;
        }
        self.completion.take();
        self.offer.close();
        self.app.model.clear_notices();
        self.app.intend(Intent::Draft { room: room.clone(), text: text.clone() });
        self.app.intend(Intent::Submit { room: room.clone(), text });
        // What was refused is still the draft.
        let left = self.app.draft(&room);
        if field.value() != left {
            field.set_value(&left);
        }
        self.filled.set(!left.trim().is_empty());
        self.fit(&field);
        self.app.to_latest.notify();
    }

    /// The caret, in bytes of the text, unless something is selected.
    fn caret(field: &HtmlTextAreaElement, text: &str) -> Option<usize> {
        let (start, end) = (field.selection_start().ok()??, field.selection_end().ok()??);
        (start == end).then(|| bytes_from_utf16(text, start as usize))
    }

    /// What can be completed in this room.
    fn with_candidates<T>(&self, use_them: impl FnOnce(Candidates<'_>) -> T) -> T {
        let model = self.app.model;
        let me = model.me.get_untracked();
        let members = model.online.keys_untracked().into_iter().chain(model.away.keys_untracked());
        let names: Vec<String> =
            members.filter(|name| Some(name) != me.as_ref()).map(|name| name.to_string()).collect();
        let rooms = model.rooms.keys_untracked().into_iter().chain(model.other_rooms.keys_untracked());
        let rooms: Vec<String> = rooms.map(|room| room.to_string()).collect();
        use_them(Candidates {
            names: &names,
            rooms: &rooms,
            commands: &SlashCommand::ALL.map(SlashCommand::word),
        })
    }

    fn complete(&self) -> bool {
        let Some(field) = self.field.get_untracked() else { return false };
        let text = field.value();
        let Some(caret) = Self::caret(&field, &text) else { return false };
        if let Some(chosen) = self.offer.chosen() {
            self.take_offered(chosen);
            return true;
        }
        let last = self.completion.take();
        let Some(done) = self.with_candidates(|candidates| complete(&text, caret, last, candidates)) else {
            return false;
        };
        self.put_completion(&field, done);
        true
    }

    fn put_completion(&self, field: &HtmlTextAreaElement, done: Completion) {
        put_text(field, &done.text, done.caret);
        *self.completion.borrow_mut() = Some(done);
        self.on_input();
        self.offer.close();
    }

    /// Offers what can stand in the place of the word at the caret.
    fn make_offer(&self, field: &HtmlTextAreaElement, text: &str) {
        // Most keys are in words without a mark.
        let marked = text.contains(['@', '#']) || text.starts_with('/');
        let caret = marked.then(|| Self::caret(field, text)).flatten();
        let Some(caret) = caret else {
            self.offer.close();
            return;
        };
        self.offer.make(self.with_candidates(|candidates| completion::offered(text, caret, candidates)));
    }

    fn take_offered(&self, chosen: usize) {
        let Some(field) = self.field.get_untracked() else { return };
        let text = field.value();
        let Some(caret) = Self::caret(&field, &text) else { return };
        let taken = self.with_candidates(|candidates| completion::take(&text, caret, candidates, chosen));
        if let Some(done) = taken {
            self.put_completion(&field, done);
        }
    }

    /// Puts text where the caret stands.
    fn insert(&self, insertion: Insertion) {
        let Some(field) = self.field.get_untracked() else { return };
        if self.composition.get().holds_field() {
            return;
        }
        let old = field.value();
        let caret = field
            .selection_start()
            .ok()
            .flatten()
            .map_or(old.len(), |units| bytes_from_utf16(&old, units as usize));
        let mut new = old[..caret].to_owned();
        match insertion {
            Insertion::Words(words) => {
                if !new.is_empty() && !new.ends_with(char::is_whitespace) {
                    new.push(' ');
                }
                new.push_str(&words);
            }
            Insertion::Lines(lines) => {
                if !new.is_empty() && !new.ends_with('\n') {
                    new.push('\n');
                }
                new.push_str(&lines);
                new.push('\n');
            }
        }
        let place = new.len();
        new.push_str(&old[caret..]);
        put_text(&field, &new, place);
        let _ = field.focus();
        self.on_input();
    }
}

fn put_text(field: &HtmlTextAreaElement, text: &str, caret: usize) {
    field.set_value(text);
    let units = u32::try_from(utf16_from_bytes(text, caret)).unwrap_or(u32::MAX);
    let _ = field.set_selection_range(units, units);
}

/// Makes the field as tall as its text, within limits.
fn grow(field: &HtmlTextAreaElement) {
    let style = web_sys::HtmlElement::style(field);
    // The box around it keeps its height meanwhile. Else the timeline above would grow for a moment, and scroll.
    let around = field.parent_element().and_then(|parent| parent.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(around) = &around {
        let height = format!("{}px", around.offset_height());
        let _ = around.style().set_property("min-height", &height);
    }
    let _ = style.set_property("height", "auto");
    let borders = field.offset_height() - field.client_height();
    let height = (field.scroll_height() + borders).min(HEIGHT_MAX_PX);
    let _ = style.set_property("height", &format!("{height}px"));
    if let Some(around) = &around {
        let _ = around.style().remove_property("min-height");
    }
}

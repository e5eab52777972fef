//! The keys that work everywhere in the page.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};

use crate::app::{App, Dialog};

/// The regions that F6 moves between, in this order: the element that takes the focus of each.
const REGIONS: [&str; 4] = [
    "#rooms .room[tabindex='0']",
    "#timeline, #no-room .room[tabindex='0']",
    "#composer",
    "#members .member[tabindex='0']",
];

/// A key was pressed somewhere in the page.
pub(crate) fn on_keydown(app: App, event: &KeyboardEvent) {
    // An input method's keys are nobody else's.
    if event.is_composing() || event.key_code() == 229 || event.default_prevented() {
        return;
    }
    let control = event.ctrl_key() || event.meta_key();
    let used = match event.key().as_str() {
        "k" | "K" if control && !event.shift_key() && !event.alt_key() => open_dialog(app, Dialog::Switcher),
        "/" if control => open_dialog(app, Dialog::Keys),
        "?" if !control && !event.alt_key() && !is_typing(event) => open_dialog(app, Dialog::Keys),
        "ArrowUp" if event.alt_key() && !control => neighbour(app, -1, event.shift_key()),
        "ArrowDown" if event.alt_key() && !control => neighbour(app, 1, event.shift_key()),
        // A drawer is all that there is while it is open.
        "F6" if app.drawer.get_untracked().is_some() => true,
        "F6" if !control && !event.alt_key() => move_region(app, if event.shift_key() { -1 } else { 1 }),
        "Escape" => escape(app),
        key if !control && !event.alt_key() && is_letter(key) => {
            write(app, event);
            // The letter itself goes into the field as any other.
            false
        }
        _ => false,
    };
    if used {
        event.prevent_default();
    }
}

fn open_dialog(app: App, dialog: Dialog) -> bool {
    let entered = app.entered.get_untracked();
    if entered {
        app.toggle_dialog(dialog);
    }
    entered
}

fn neighbour(app: App, steps: isize, unread_only: bool) -> bool {
    app.open_neighbour(steps, unread_only);
    true
}

/// Closes the uppermost thing that is open; with nothing open it leads back to the newest message.
fn escape(app: App) -> bool {
    if app.close_cover() {
    } else if !app.model.clear_notices() {
        app.to_latest.notify();
    }
    true
}

/// Whether a key writes something. A space scrolls, and presses buttons.
fn is_letter(key: &str) -> bool {
    let mut letters = key.chars();
    letters.next().is_some_and(|letter| letter != ' ') && letters.next().is_none()
}

/// Whoever writes outside all fields means the composer.
fn write(app: App, event: &KeyboardEvent) {
    if app.dialog.get_untracked().is_some() || app.drawer.get_untracked().is_some() || is_typing(event) {
        return;
    }
    let composer = document().get_element_by_id("composer");
    if let Some(composer) = composer.and_then(|composer| composer.dyn_into::<HtmlElement>().ok()) {
        let _ = composer.focus();
    }
}

fn is_typing(event: &KeyboardEvent) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
    element.is_some_and(|element| matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA"))
}

fn move_region(app: App, steps: isize) -> bool {
    let drawers = app.drawers.get_untracked();
    let document = document();
    let candidates: Vec<HtmlElement> = REGIONS
        .iter()
        // A drawer that is closed is no region.
        .filter(|selector| !(drawers.rooms && selector.starts_with("#rooms")))
        .filter(|selector| !(drawers.members && selector.starts_with("#members")))
        .filter_map(|selector| document.query_selector(selector).ok().flatten()?.dyn_into().ok())
        // What is hidden has no boxes.
        .filter(|element: &HtmlElement| element.get_client_rects().length() > 0)
        .collect();
    let Some(count) = isize::try_from(candidates.len()).ok().filter(|count| *count > 0) else { return false };
    let active = document.active_element();
    let region = |element: &HtmlElement| element.closest("[data-region]").ok().flatten();
    let here = active.and_then(|active| active.closest("[data-region]").ok().flatten());
    let at =
        here.and_then(|here| candidates.iter().position(|element| region(element).as_ref() == Some(&here)));
    let next = at.map_or(if steps > 0 { 0 } else { count - 1 }, |at| (at as isize + steps).rem_euclid(count));
    candidates[next as usize].focus().is_ok()
}

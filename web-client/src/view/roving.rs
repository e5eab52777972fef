//! Roving focus: of a list's entries one is reached by Tab, the others from there by arrows.

use leptos::prelude::document;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};

/// Arrows, Home and End move the focus among the elements that `selector` finds, if one of them has it.
pub(crate) fn rove(event: &KeyboardEvent, selector: &str) {
    if event.alt_key() || event.ctrl_key() || event.meta_key() {
        return;
    }
    let Ok(found) = document().query_selector_all(selector) else { return };
    let entries: Vec<HtmlElement> = (0..found.length())
        .filter_map(|index| found.item(index)?.dyn_into().ok())
        // What is filtered out has no boxes.
        .filter(|entry: &HtmlElement| entry.get_client_rects().length() > 0)
        .collect();
    let active = document().active_element();
    let Some(at) = entries.iter().position(|entry| active.as_ref() == Some(entry.as_ref())) else { return };
    let to = match event.key().as_str() {
        "ArrowDown" => (at + 1).min(entries.len() - 1),
        "ArrowUp" => at.saturating_sub(1),
        "Home" => 0,
        "End" => entries.len() - 1,
        _ => return,
    };
    event.prevent_default();
    let _ = entries[to].focus();
}

//! The clipboard, also where the browser has none to offer: that is so on every page that does not come over https.

use leptos::prelude::{document, window};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{HtmlDocument, HtmlElement, HtmlTextAreaElement};

/// Puts a text into the clipboard; to be called on a click or a key. `done` hears whether it is there.
pub(crate) fn copy(text: &str, done: impl Fn(bool) + 'static) {
    if !window().is_secure_context() {
        return done(copy_selection(text).is_some());
    }
    let promise = window().navigator().clipboard().write_text(text);
    spawn_local(async move { done(JsFuture::from(promise).await.is_ok()) });
}

/// The old way: selects the text in a field of its own and tells the browser to copy.
fn copy_selection(text: &str) -> Option<()> {
    let document = document();
    let focused = document.active_element().and_then(|element| element.dyn_into::<HtmlElement>().ok());
    let field: HtmlTextAreaElement = document.create_element("textarea").ok()?.dyn_into().ok()?;
    field.set_value(text);
    field.set_class_name("sr");
    // Inside a dialog nothing outside it can be selected.
    let dialog = focused.as_ref().and_then(|focused| focused.closest("dialog").ok().flatten());
    let parent = dialog.or_else(|| document.body().map(Into::into))?;
    parent.append_child(&field).ok()?;
    field.select();
    let copied = document.dyn_into::<HtmlDocument>().ok()?.exec_command("copy").unwrap_or(false);
    field.remove();
    if let Some(focused) = focused {
        let _ = focused.focus();
    }
    copied.then_some(())
}

//! Files that are dropped on the page or pasted into it. They cannot be sent yet; but a browser that is left alone opens
//! them in the place of the page.

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{DataTransfer, HtmlElement};

/// Keeps the page from being left for what is dropped on it. `refused` is told when somebody wants to send files.
pub(crate) fn catch(refused: impl Fn() + Copy + 'static) {
    window_event_listener(ev::dragover, |event| {
        if !belongs_to_field(event.target(), event.data_transfer().as_ref()) {
            event.prevent_default();
        }
    });
    window_event_listener(ev::drop, move |event| {
        let files = event.data_transfer().as_ref().is_some_and(has_files);
        if !belongs_to_field(event.target(), event.data_transfer().as_ref()) {
            event.prevent_default();
        }
        if files {
            refused();
        }
    });
    window_event_listener(ev::paste, move |event| {
        let Some(data) = event.clipboard_data() else { return };
        // A copied table or word comes as a picture, too; then its text is what is meant.
        if has_files(&data) && data.get_data("text/plain").unwrap_or_default().is_empty() {
            event.prevent_default();
            refused();
        }
    });
}

fn has_files(data: &DataTransfer) -> bool {
    data.types().iter().any(|kind| kind.as_string().as_deref() == Some("Files"))
}

/// Text that is dragged into a field is the browser's business.
fn belongs_to_field(target: Option<web_sys::EventTarget>, data: Option<&DataTransfer>) -> bool {
    let target = target.and_then(|target| target.dyn_into::<HtmlElement>().ok());
    let field = target.is_some_and(|target| matches!(&*target.tag_name(), "INPUT" | "TEXTAREA"));
    field && !data.is_some_and(has_files)
}

//! A dialog over the page. The browser keeps the focus inside, closes it on Escape and gives the focus back.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::icon::{Icon, icon};
use super::shown::shown;
use crate::app::{App, Dialog};
use crate::i18n::Text;
use crate::model::put;
use crate::page;

/// Shows `body` while the page's open dialog is `which`.
pub(crate) fn dialog<V: IntoAny + 'static>(
    app: App,
    which: Dialog,
    title: Text,
    body: impl Fn() -> V + Send + Sync + Clone + 'static,
) -> impl IntoView {
    let element = NodeRef::<html::Dialog>::new();
    let open = Memo::new(move |_| app.dialog.get() == Some(which));
    Effect::new(move || {
        let Some(element) = element.get() else { return };
        if open.get() != element.open() {
            if open.get() {
                let _ = element.show_modal();
                request_animation_frame(move || focus_content(&element));
            } else {
                element.close();
            }
        }
    });
    let closed = move |_| {
        if app.dialog.get_untracked() == Some(which) {
            put(app.dialog, None);
        }
    };
    // A click beside the dialog's content hits the dialog itself.
    let beside = move |event: leptos::ev::MouseEvent| {
        if event.target() == event.current_target() {
            put(app.dialog, None);
        }
    };
    view! {
        <dialog node_ref=element class="dialog" aria-label=app.text(title) on:close=closed on:click=beside>
            {shown(move || open.get(), move || card(app, title, body().into_any()))}
        </dialog>
    }
}

/// The browser gives the focus to the first button, which closes the dialog again. What the dialog is about is better: its
/// first control, or its title where that would bring up a keyboard.
fn focus_content(dialog: &web_sys::HtmlElement) {
    let focused = document()
        .active_element()
        .is_some_and(|active| active.closest(".dialog-body").ok().flatten().is_some());
    if focused {
        return;
    }
    let control = dialog.query_selector(".dialog-body :is(input, button)").ok().flatten();
    let control = control.filter(|_| !page::is_touch());
    let entry = control.or_else(|| dialog.query_selector("h2").ok().flatten());
    if let Some(entry) = entry.and_then(|entry| entry.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = entry.focus();
    }
}

fn card(app: App, title: Text, body: AnyView) -> AnyView {
    view! {
        <div class="dialog-card">
            <header class="dialog-head">
                <h2 tabindex="-1">{app.text(title)}</h2>
                <button
                    type="button"
                    class="tool"
                    aria-label=app.text(Text::Close)
                    on:click=move |_| put(app.dialog, None)
                >
                    {icon(Icon::Cross)}
                </button>
            </header>
            <div class="dialog-body">{body}</div>
        </div>
    }
    .into_any()
}

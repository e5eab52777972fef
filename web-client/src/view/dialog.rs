//! A dialog over the page. The browser keeps the focus inside, closes it on Escape and gives the focus back.

use leptos::html;
use leptos::prelude::*;

use super::icon::{Icon, icon};
use crate::app::{App, Dialog};
use crate::i18n::Text;
use crate::model::put;

/// Shows `body` while the page's open dialog is `which`.
pub(crate) fn dialog<V: IntoView + 'static>(
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
        <dialog node_ref=element class="dialog" aria-label=move || app.say(title) on:close=closed on:click=beside>
            <Show when=move || open.get()>
                <div class="dialog-card">
                    <header class="dialog-head">
                        <h2>{move || app.say(title)}</h2>
                        <button
                            type="button"
                            class="tool"
                            aria-label=move || app.say(Text::Close)
                            on:click=move |_| put(app.dialog, None)
                        >
                            {icon(Icon::Cross)}
                        </button>
                    </header>
                    {body()}
                </div>
            </Show>
        </dialog>
    }
}

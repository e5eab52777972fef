//! A dialog over the page. The browser keeps the focus inside, closes it on Escape and gives the focus back.

use leptos::html;
use leptos::prelude::*;

use super::icon::{Icon, icon};
use super::shown::shown;
use crate::app::{App, Dialog};
use crate::i18n::Text;
use crate::model::put;

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

fn card(app: App, title: Text, body: AnyView) -> AnyView {
    view! {
        <div class="dialog-card">
            <header class="dialog-head">
                <h2>{app.text(title)}</h2>
                <button
                    type="button"
                    class="tool"
                    aria-label=app.text(Text::Close)
                    on:click=move |_| put(app.dialog, None)
                >
                    {icon(Icon::Cross)}
                </button>
            </header>
            {body}
        </div>
    }
    .into_any()
}

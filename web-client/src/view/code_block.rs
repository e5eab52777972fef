//! Lines of code in a message.

use std::time::Duration;

use leptos::html::Pre;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::app::App;
use crate::i18n::{Phrase, Text};

/// A block with more lines than this begins folded to so many.
const LINES_SHOWN_MAX: usize = 20;
/// How long the button says that something was copied.
const COPIED_FOR: Duration = Duration::from_secs(2);

/// Draws the lines as they are, with the language and a button that copies them.
pub(super) fn code_block(app: App, language: Option<String>, code: String) -> impl IntoView {
    let lines = code.split('\n').count();
    let is_long = lines > LINES_SHOWN_MAX;
    let folded = RwSignal::new(is_long);
    let copied = RwSignal::new(false);
    let pre = NodeRef::<Pre>::new();
    let source = StoredValue::new(code.clone());
    let copy = move |_| {
        let Some(pre) = pre.get_untracked() else { return };
        let done = move |worked: bool| {
            copied.set(worked);
            set_timeout(move || copied.set(false), COPIED_FOR);
        };
        if window().is_secure_context() {
            let written = source.with_value(|code| window().navigator().clipboard().write_text(code));
            spawn_local(async move { done(JsFuture::from(written).await.is_ok()) });
        } else {
            done(copy_selected(&pre));
        }
    };
    let all = is_long.then(|| {
        view! {
            <button
                type="button"
                class="text-button"
                data-testid="code-all"
                aria-expanded=move || (!folded.get()).to_string()
                hidden=move || !folded.get()
                on:click=move |_| folded.set(false)
            >
                {move || app.phrase(&Phrase::AllLines(lines))}
            </button>
        }
    });
    view! {
        <div class="code-block" data-testid="code-block" data-folded=move || folded.get().to_string() dir="ltr">
            <div class="code-head">
                <span data-testid="code-language">{language}</span>
                <button type="button" class="text-button" data-testid="code-copy" on:click=copy>
                    {move || app.say(if copied.get() { Text::Copied } else { Text::CopyCode })}
                </button>
            </div>
            <pre node_ref=pre tabindex="0" role="region" aria-label=app.text(Text::Code)>
                <code>{code}</code>
            </pre>
            {all}
        </div>
    }
}

/// Copies without the clipboard's own interface, which a page of plain http does not have. Where that fails too, what is to
/// be copied is selected at least.
fn copy_selected(code: &web_sys::HtmlPreElement) -> bool {
    let Ok(Some(selection)) = window().get_selection() else { return false };
    if selection.select_all_children(code).is_err() {
        return false;
    }
    let document = document().dyn_into::<web_sys::HtmlDocument>();
    document.is_ok_and(|document| document.exec_command("copy").unwrap_or(false))
}

//! Lines of code in a message.

use std::time::Duration;

use leptos::prelude::*;

use crate::app::{App, Toast};
use crate::clipboard;
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
    let source = StoredValue::new(code.clone());
    let copy = move |_| {
        let done = move |worked: bool| {
            copied.set(worked);
            if worked {
                set_timeout(move || copied.set(false), COPIED_FOR);
            } else {
                app.toast.set(Some(Toast::NotCopied));
            }
        };
        source.with_value(|code| clipboard::copy(code, done));
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
            <pre tabindex="0" role="region" aria-label=app.text(Text::Code)>
                <code>{code}</code>
            </pre>
            {all}
        </div>
    }
}

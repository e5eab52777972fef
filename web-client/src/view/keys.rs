//! The list of keys and commands.

use leptos::prelude::*;
use teahouse_client_core::SlashCommand;

use super::dialog::dialog;
use crate::app::{App, Dialog};
use crate::i18n::{Text, command_text, usage};

const KEYS: [(&str, Text); 9] = [
    ("Enter", Text::KeySend),
    ("Shift+Enter", Text::KeyNewline),
    ("Tab", Text::KeyComplete),
    ("Ctrl+K", Text::KeySwitch),
    ("Alt+↑ / ↓", Text::KeyNext),
    ("Alt+Shift+↑ / ↓", Text::KeyNextUnread),
    ("F6", Text::KeyRegions),
    ("Esc", Text::KeyEscape),
    ("?  Ctrl+/", Text::KeyHelp),
];

/// The dialog with keys and commands.
pub(crate) fn keys(app: App) -> AnyView {
    dialog(app, Dialog::Keys, Text::Keys, move || {
        view! {
            <dl class="key-list">
                {KEYS
                    .map(|(key, text)| {
                        view! {
                            <dt><kbd>{key}</kbd></dt>
                            <dd>{app.text(text)}</dd>
                        }
                    })
                    .collect_view()}
            </dl>
            <h3>{app.text(Text::Commands)}</h3>
            <dl class="key-list">
                {SlashCommand::ALL
                    .map(|command| {
                        view! {
                            <dt><kbd>{move || usage(app.lang.get(), command)}</kbd></dt>
                            <dd>{app.text(command_text(command))}</dd>
                        }
                    })
                    .collect_view()}
                <dt><kbd>"//"</kbd></dt>
                <dd>{app.text(Text::CommandEscape)}</dd>
            </dl>
        }
    })
    .into_any()
}

//! What the user has chosen of how the page looks, and what is kept of that.

use leptos::prelude::*;

use super::{App, Drawer};
use crate::i18n::Lang;
use crate::model::put;
use crate::page::{self, Theme};

const KEPT_LANG: &str = "lang";
const KEPT_THEME: &str = "theme";
const KEPT_MEMBERS: &str = "members";
const KEPT_NOTIFY: &str = "notify";

impl App {
    /// Takes over what is kept of the settings: at the start, and when another tab has changed them.
    pub(super) fn take_settings(self) {
        let kept = |key| self.driver.with_value(|driver| driver.storage().get(key));
        put(self.chosen_lang, kept(KEPT_LANG).and_then(|tag| Lang::from_tag(&tag)));
        let lang = self.chosen_lang.get_untracked().unwrap_or_else(|| Lang::of_reader(&page::languages()));
        put(self.lang, lang);
        put(self.theme, kept(KEPT_THEME).and_then(|name| Theme::from_name(&name)));
        put(self.members_shown, kept(KEPT_MEMBERS).as_deref() != Some("hidden"));
        put(self.notify, kept(KEPT_NOTIFY).as_deref() != Some("off"));
    }

    /// Chooses a language, or that of the browser, and remembers it.
    pub(crate) fn choose_lang(self, lang: Option<Lang>) {
        self.keep(KEPT_LANG, lang.map(Lang::tag));
        put(self.chosen_lang, lang);
        put(self.lang, lang.unwrap_or_else(|| Lang::of_reader(&page::languages())));
    }

    /// Changes the language, and remembers it.
    pub(crate) fn toggle_lang(self) {
        self.choose_lang(Some(self.lang.get_untracked().other()));
    }

    /// Whether the page is dark at the moment.
    pub(crate) fn is_dark(self) -> bool {
        self.theme.get().unwrap_or_else(page::system_theme) == Theme::Dark
    }

    /// Chooses a theme, or that of the system, and remembers it.
    pub(crate) fn choose_theme(self, theme: Option<Theme>) {
        self.keep(KEPT_THEME, theme.map(Theme::name));
        put(self.theme, theme);
    }

    /// Changes between light and dark, and remembers it.
    pub(crate) fn toggle_theme(self) {
        self.choose_theme(Some(self.theme.get_untracked().unwrap_or_else(page::system_theme).other()));
    }

    /// Turns notifications on or off, and remembers it.
    pub(crate) fn choose_notify(self, on: bool) {
        self.keep(KEPT_NOTIFY, Some(if on { "on" } else { "off" }));
        put(self.notify, on);
    }

    /// Shows or hides the members: a panel where there is room for it, else a drawer.
    pub(crate) fn toggle_members(self) {
        if self.drawers.get_untracked().members {
            self.toggle_drawer(Drawer::Members);
        } else {
            let shown = !self.members_shown.get_untracked();
            self.members_shown.set(shown);
            self.keep(KEPT_MEMBERS, Some(if shown { "shown" } else { "hidden" }));
        }
    }

    fn keep(self, key: &str, value: Option<&str>) {
        self.driver.with_value(|driver| driver.storage().put(key, value));
    }
}

//! What the view keeps for this page between visits: `localStorage`, since it is there before the first thing is drawn.
//!
//! It may be forbidden, full, or cleared at any time. Then the program goes on without it.

use crate::house;

const PREFIX: &str = "teahouse.";
/// Before the brain's keys: where earlier versions kept what is in [`crate::database`] now, and a tab its own.
const BRAIN: &str = "teahouse.brain.";

/// The browser's store.
#[derive(Debug)]
pub(crate) struct Storage {
    store: Option<web_sys::Storage>,
    /// The same for this tab alone: it outlives loading the page again, and no other tab sees it.
    of_tab: Option<web_sys::Storage>,
}

impl Storage {
    /// Finds the store.
    pub(crate) fn open() -> Self {
        let window = web_sys::window();
        let of_tab = window.as_ref().and_then(|window| window.session_storage().ok().flatten());
        Self { store: window.and_then(|window| window.local_storage().ok().flatten()), of_tab }
    }

    /// Keeps or removes a value of the brain's that is this tab's own.
    pub(crate) fn put_of_tab(&self, key: &str, value: Option<&str>) {
        let Some(store) = &self.of_tab else { return };
        let name = format!("{}{key}", house::name_of(BRAIN));
        let _ = match value {
            Some(value) => store.set_item(&name, value),
            None => store.remove_item(&name),
        };
    }

    /// The brain's values that are this tab's own.
    pub(crate) fn values_of_tab(&self) -> Vec<(String, String)> {
        self.of_tab.as_ref().map(|store| brain_values(store, &house::name_of(BRAIN))).unwrap_or_default()
    }

    /// A value of the view's own.
    pub(crate) fn get(&self, key: &str) -> Option<String> {
        self.store.as_ref()?.get_item(&format!("{PREFIX}{key}")).ok().flatten()
    }

    /// Keeps or removes a value of the view's own.
    pub(crate) fn put(&self, key: &str, value: Option<&str>) {
        let Some(store) = &self.store else { return };
        let name = format!("{PREFIX}{key}");
        let _ = match value {
            Some(value) => store.set_item(&name, value),
            None => store.remove_item(&name),
        };
    }

    /// What an earlier version left behind for the brain.
    pub(crate) fn brain_values(&self) -> Vec<(String, String)> {
        self.store.as_ref().map(|store| brain_values(store, BRAIN)).unwrap_or_default()
    }

    /// These are kept elsewhere now.
    pub(crate) fn remove_brain_values(&self, values: &[(String, String)]) {
        let Some(store) = &self.store else { return };
        for (key, _) in values {
            let _ = store.remove_item(&format!("{BRAIN}{key}"));
        }
    }
}

fn brain_values(store: &web_sys::Storage, prefix: &str) -> Vec<(String, String)> {
    let keys = (0..store.length().unwrap_or(0)).filter_map(|index| store.key(index).ok().flatten());
    let found = keys.filter_map(|key| {
        let value = store.get_item(&key).ok().flatten()?;
        Some((key.strip_prefix(prefix)?.to_owned(), value))
    });
    found.collect()
}

//! What the browser keeps for this page between visits: `localStorage`, all keys under one prefix.
//!
//! It may be forbidden, full, or cleared at any time. Then the program goes on without it.

use std::cell::Cell;

const PREFIX: &str = "teahouse.";
/// The brain's keys; the rest are the view's own.
const BRAIN: &str = "teahouse.brain.";

/// The browser's store.
#[derive(Debug)]
pub(crate) struct Storage {
    store: Option<web_sys::Storage>,
    refused: Cell<bool>,
}

impl Storage {
    /// Finds the store.
    pub(crate) fn open() -> Self {
        let store = web_sys::window().and_then(|window| window.local_storage().ok().flatten());
        Self { refused: Cell::new(store.is_none()), store }
    }

    /// Whether something could not be kept.
    pub(crate) fn refused(&self) -> bool {
        self.refused.get()
    }

    /// Everything that the brain has left behind, without prefixes.
    pub(crate) fn brain_values(&self) -> Vec<(String, String)> {
        let Some(store) = &self.store else { return Vec::new() };
        let keys = (0..store.length().unwrap_or(0)).filter_map(|index| store.key(index).ok().flatten());
        let found = keys.filter_map(|key| {
            let value = store.get_item(&key).ok().flatten()?;
            Some((key.strip_prefix(BRAIN)?.to_owned(), value))
        });
        found.collect()
    }

    /// Keeps or removes a value of the brain.
    pub(crate) fn put_brain_value(&self, key: &str, value: Option<&str>) {
        self.put_full(&format!("{BRAIN}{key}"), value);
    }

    /// A value of the view's own.
    pub(crate) fn get(&self, key: &str) -> Option<String> {
        self.store.as_ref()?.get_item(&format!("{PREFIX}{key}")).ok().flatten()
    }

    /// Keeps a value of the view's own.
    pub(crate) fn put(&self, key: &str, value: &str) {
        self.put_full(&format!("{PREFIX}{key}"), Some(value));
    }

    fn put_full(&self, key: &str, value: Option<&str>) {
        let Some(store) = &self.store else { return };
        let done = match value {
            Some(value) => store.set_item(key, value),
            None => store.remove_item(key),
        };
        if done.is_err() {
            self.refused.set(true);
        }
    }
}

//! What the view keeps for this page between visits: `localStorage`, since it is there before the first thing is drawn.
//!
//! It may be forbidden, full, or cleared at any time. Then the program goes on without it.

const PREFIX: &str = "teahouse.";
/// Where earlier versions kept what is in [`crate::database`] now.
const BRAIN: &str = "teahouse.brain.";

/// The browser's store.
#[derive(Debug)]
pub(crate) struct Storage {
    store: Option<web_sys::Storage>,
}

impl Storage {
    /// Finds the store.
    pub(crate) fn open() -> Self {
        Self { store: web_sys::window().and_then(|window| window.local_storage().ok().flatten()) }
    }

    /// A value of the view's own.
    pub(crate) fn get(&self, key: &str) -> Option<String> {
        self.store.as_ref()?.get_item(&format!("{PREFIX}{key}")).ok().flatten()
    }

    /// Keeps a value of the view's own.
    pub(crate) fn put(&self, key: &str, value: &str) {
        if let Some(store) = &self.store {
            let _ = store.set_item(&format!("{PREFIX}{key}"), value);
        }
    }

    /// What an earlier version left behind for the brain.
    pub(crate) fn brain_values(&self) -> Vec<(String, String)> {
        let Some(store) = &self.store else { return Vec::new() };
        let keys = (0..store.length().unwrap_or(0)).filter_map(|index| store.key(index).ok().flatten());
        let found = keys.filter_map(|key| {
            let value = store.get_item(&key).ok().flatten()?;
            Some((key.strip_prefix(BRAIN)?.to_owned(), value))
        });
        found.collect()
    }

    /// These are kept elsewhere now.
    pub(crate) fn remove_brain_values(&self, values: &[(String, String)]) {
        let Some(store) = &self.store else { return };
        for (key, _) in values {
            let _ = store.remove_item(&format!("{BRAIN}{key}"));
        }
    }
}

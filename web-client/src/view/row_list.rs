//! The rows in the page, kept in step with a list.
//!
//! The list is a run of a timeline: rows come at its ends and go at its ends. A row that stays is never taken out of the
//! page, so that a selection, the focus and the layout stay with it. (The library's keyed list puts every row in anew
//! when rows come at one end while others go at the other.)

use std::collections::BTreeSet;

use leptos::prelude::*;
use leptos::tachys::view::any_view::AnyViewState;
use web_sys::Element;

/// A row in the page.
struct Drawn<K> {
    key: K,
    owner: Owner,
    state: AnyViewState,
}

/// The rows in an element.
pub(crate) struct RowList<K> {
    rows: Vec<Drawn<K>>,
}

impl<K: Ord + Copy> RowList<K> {
    /// No rows.
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new() }
    }

    /// Makes the element's rows those of `keys`, which are different from each other.
    pub(crate) fn update(&mut self, element: &Element, keys: &[K], draw: impl Fn(usize) -> AnyView) {
        let wanted: BTreeSet<K> = keys.iter().copied().collect();
        self.rows.retain_mut(|row| {
            let stays = wanted.contains(&row.key);
            if !stays {
                row.remove();
            }
            stays
        });
        let staying: BTreeSet<K> = self.rows.iter().map(|row| row.key).collect();
        for (at, key) in keys.iter().enumerate() {
            if self.rows.get(at).is_some_and(|row| row.key == *key) {
                continue;
            }
            let mut row = if staying.contains(key) {
                let Some(from) = self.rows.iter().position(|row| row.key == *key) else { continue };
                self.rows.remove(from)
            } else {
                let owner = lasting_owner();
                let state = owner.with(|| draw(at).build());
                Drawn { key: *key, owner, state }
            };
            match self.rows.get(at) {
                Some(next) => {
                    next.state.insert_before_this(&mut row.state);
                }
                None => row.state.mount(element, None),
            }
            self.rows.insert(at, row);
        }
    }
}

/// An owner of what lasts as long as its row. Whoever updates the list is an effect, and what is owned below an effect goes when
/// it runs again: the owner's parent is one that has gone already.
fn lasting_owner() -> Owner {
    Owner::new().with(Owner::new)
}

impl<K> Drawn<K> {
    fn remove(&mut self) {
        self.state.unmount();
        self.owner.cleanup();
    }
}

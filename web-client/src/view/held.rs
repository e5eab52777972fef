//! What the handlers of a view's elements act on.

use std::rc::Rc;

use leptos::prelude::*;

/// Something that goes with its view; a copy is the same thing. A browser still tells an element of what happens to it when
/// its view is gone: that it loses the focus because it is taken away, or that it scrolled just before. Then nothing is done.
pub(crate) struct Held<T: 'static>(StoredValue<Rc<T>, LocalStorage>);

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Held<T> {}

impl<T> Held<T> {
    /// Holds it for as long as the view that is being made is there.
    pub(crate) fn new(held: Rc<T>) -> Self {
        Self(StoredValue::new_local(held))
    }

    /// Acts on it, while it is there.
    pub(crate) fn act(self, act: impl FnOnce(&T)) {
        if let Some(held) = self.0.try_get_value() {
            act(&held);
        }
    }
}

use std::collections::VecDeque;

/// A queue that is one pointer large while nothing is in it, as almost always: each connection has several.
#[expect(clippy::box_collection, reason = "one pointer instead of four")]
#[derive(Debug)]
pub(super) struct ThinQueue<T>(Option<Box<VecDeque<T>>>);

impl<T> Default for ThinQueue<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> ThinQueue<T> {
    /// The queue at its full size, which it keeps until [`ThinQueue::let_go`].
    pub(super) fn as_deque(&mut self) -> &mut VecDeque<T> {
        self.0.get_or_insert_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.len())
    }

    pub(super) fn front(&self) -> Option<&T> {
        self.0.as_ref()?.front()
    }

    pub(super) fn front_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()?.front_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flat_map(|queue| queue.iter())
    }

    pub(super) fn push_back(&mut self, item: T) {
        self.as_deque().push_back(item);
    }

    pub(super) fn pop_front(&mut self) -> Option<T> {
        self.0.as_mut()?.pop_front()
    }

    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    /// Gives back the memory of a queue that ran empty.
    pub(super) fn let_go(&mut self) {
        if self.is_empty() {
            self.0 = None;
        }
    }
}

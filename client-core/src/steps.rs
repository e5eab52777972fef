//! What the parsers of texts look at, counted by tests: each of them is linear in its text, whatever stands in it.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// A character, or something as small, was looked at.
#[inline]
pub(crate) fn step() {
    steps(1);
}

/// So many were.
#[inline]
pub(crate) fn steps(count: usize) {
    #[cfg(test)]
    STEPS.set(STEPS.get() + count as u64);
    #[cfg(not(test))]
    let _ = count;
}

/// How many steps this takes.
#[cfg(test)]
pub(crate) fn counted(work: impl FnOnce()) -> u64 {
    let before = STEPS.get();
    work();
    STEPS.get() - before
}

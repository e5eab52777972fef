//! From the brain's model to lines of text.

pub(crate) mod line;
pub(crate) mod prompt;
pub(crate) mod style;
pub(crate) mod terminal;
pub(crate) mod transcript;

//! From the brain's model to lines of text, and the line that is being typed below them.

pub(crate) mod completion;
pub(crate) mod editor;
pub(crate) mod layout;
pub(crate) mod line;
pub(crate) mod prompt;
pub(crate) mod style;
pub(crate) mod terminal;
pub(crate) mod transcript;

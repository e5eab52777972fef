//! Whether a text mentions somebody.

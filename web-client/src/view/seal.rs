//! A name's seal: its first character in its colour.

use leptos::prelude::*;

use crate::palette::{hue_class, initial};

/// Draws the seal of a name. It is decoration: the name stands beside it.
pub(crate) fn seal(name: &str) -> impl IntoView + use<> {
    view! { <span class=format!("seal {}", hue_class(name)) aria-hidden="true">{initial(name)}</span> }
}

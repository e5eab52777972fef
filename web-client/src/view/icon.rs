//! The small pictures on buttons: strokes on a grid of 24.

use leptos::prelude::*;

/// A small picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Icon {
    /// Three lines: the list of rooms.
    Menu,
    /// Two people: the members.
    People,
    /// A cross: close.
    Cross,
    /// A plus: a new room.
    Plus,
    /// A paper plane: send.
    Send,
    /// An arrow down: to the latest message.
    Down,
    /// A small angle that points down: there is more below.
    Below,
    /// A sun: to the light theme.
    Sun,
    /// A moon: to the dark theme.
    Moon,
    /// A keyboard: the keys.
    Keyboard,
    /// An arrow out of a hash sign's corner: go to a room.
    Go,
    /// Two links of a chain: copy the link.
    Link,
    /// Two sheets: copy the text.
    Copy,
    /// Quotation marks: quote.
    Quote,
    /// A pencil: a draft.
    Pencil,
    /// A clock: waiting.
    Clock,
    /// A triangle with a mark: failed.
    Warning,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Self::Menu => "M4 6.5h16M4 12h16M4 17.500h10",
            Self::People => {
                "M9 11.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM2.500 19.500c.4-3.600 2.900-5.500 6.500-5.500s6.100 1.900 6.500 5.500M16 4.800a3.500 3.500 0 0 1 0 6.400M18 14.300c2 .7 3.200 2.400 3.500 5.200"
            }
            Self::Cross => "M6 6l12 12M18 6L6 18",
            Self::Plus => "M12 5v14M5 12h14",
            Self::Send => "M4.500 12L3.500 4.500 21 12 3.500 19.500 4.500 12zM4.500 12H12",
            Self::Down => "M12 5v14M6 13l6 6 6-6",
            Self::Sun => {
                "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400"
            }
            Self::Moon => "M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z",
            Self::Keyboard => {
                "M4.500 6h15A1.500 1.500 0 0 1 21 7.500v9a1.500 1.500 0 0 1-1.500 1.500h-15A1.500 1.500 0 0 1 3 16.500v-9A1.500 1.500 0 0 1 4.500 6zM7 10h.01M10.500 10h.01M14 10h.01M17 10h.01M8 14h8"
            }
            Self::Below => "M7 10l5 5 5-5",
            Self::Go => {
                "M10 4.500L8 19.500M15.500 4.500l-1 7M4.500 9h15M4 15h7M14 18.500h6.500M17.500 15.500l3 3-3 3"
            }
            Self::Link => {
                "M10 14a4 4 0 0 0 5.700 0l3-3A4 4 0 0 0 13 5.300l-1.200 1.200M14 10a4 4 0 0 0-5.700 0l-3 3a4 4 0 0 0 5.700 5.700l1.200-1.200"
            }
            Self::Copy => "M9 8.500h10.500V20H9zM5.500 15.500H4.500V4H15v1.500",
            Self::Quote => "M10 7H5v6h4c0 2.500-1.300 3.700-3.500 4M19 7h-5v6h4c0 2.500-1.300 3.700-3.500 4",
            Self::Pencil => "M4.500 19.500l1-4L16 5l3 3L8.500 18.500zM14 7l3 3",
            Self::Clock => "M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17zM12 7.500V12l3 2",
            Self::Warning => "M12 4L2.500 20h19L12 4zM12 10v4.500M12 17.300v.01",
        }
    }
}

/// Draws a picture. Whoever has one beside it says in words what it means.
pub(crate) fn icon(icon: Icon) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d=icon.path() />
        </svg>
    }
}

//! The page around the program: its title, icon, theme, address, and whether anybody looks at it.

use std::time::Duration;

use leptos::prelude::{document, set_timeout, window};
use teahouse_protocol::RoomName;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};

use crate::address::{Address, Named};
use crate::i18n::Lang;

/// The width up to which the list of rooms is a drawer; the style sheet has the same number.
const NARROW: &str = "(max-width: 719.98px)";
/// The width up to which the list of members is one.
const CROWDED: &str = "(max-width: 1039.98px)";
const ICON: &str = include_str!("../assets/icon.svg");

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Theme {
    /// Dark ink on light paper.
    Light,
    /// Light ink on dark paper.
    Dark,
}

impl Theme {
    /// For the page and for storage.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Reads [`Self::name`].
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Light, Self::Dark].into_iter().find(|theme| theme.name() == name)
    }

    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Light => Self::Dark,
            Self::Dark => Self::Light,
        }
    }
}

/// What the system prefers.
pub(crate) fn system_theme() -> Theme {
    if media_matches("(prefers-color-scheme: dark)") { Theme::Dark } else { Theme::Light }
}

/// Sets the theme; `None` follows the system.
pub(crate) fn set_theme(theme: Option<Theme>) {
    if let Some(root) = document().document_element() {
        let _ = match theme {
            Some(theme) => root.set_attribute("data-theme", theme.name()),
            None => root.remove_attribute("data-theme"),
        };
    }
}

/// Which lists are drawers for want of width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drawers {
    /// The list of rooms.
    pub(crate) rooms: bool,
    /// The list of members.
    pub(crate) members: bool,
}

/// Which lists are drawers now.
pub(crate) fn drawers() -> Drawers {
    Drawers { rooms: media_matches(NARROW), members: media_matches(CROWDED) }
}

/// Whether a finger rather than a mouse is at work: then focusing a field brings up a keyboard.
pub(crate) fn is_touch() -> bool {
    media_matches("(pointer: coarse)")
}

fn media_matches(query: &str) -> bool {
    window().match_media(query).ok().flatten().is_some_and(|list| list.matches())
}

/// The reader's languages, the preferred first.
pub(crate) fn languages() -> Vec<String> {
    window().navigator().languages().iter().filter_map(|tag| tag.as_string()).collect()
}

/// Tells the browser which language the page is in, for fonts and for screen readers.
pub(crate) fn set_lang(lang: Lang) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("lang", lang.tag());
    }
}

/// Whether the page cannot be seen.
pub(crate) fn is_hidden() -> bool {
    document().hidden()
}

/// Whether the user is looking at the page.
pub(crate) fn has_attention() -> bool {
    !is_hidden() && document().has_focus().unwrap_or(true)
}

/// Calls back, for as long as the page stands, when it is hidden or shown.
pub(crate) fn on_visibility_change(changed: impl FnMut() + 'static) {
    let listener = Closure::<dyn FnMut()>::new(changed);
    let target = document();
    let _ = target.add_event_listener_with_callback("visibilitychange", listener.as_ref().unchecked_ref());
    listener.forget();
}

/// Shows the open room and how many messages are unread.
pub(crate) fn set_title(room: Option<&RoomName>, unread: u64, brand: &str) {
    let count = if unread > 0 { format!("({unread}) ") } else { String::new() };
    let room = room.map(|room| format!("{room} · ")).unwrap_or_default();
    document().set_title(&format!("{count}{room}{brand}"));
}

/// Puts a dot on the page's icon when there is something unread, and a number when there are mentions.
pub(crate) fn set_badge((unread, mentions): (bool, u64)) {
    let Ok(Some(link)) = document().query_selector("link[rel~='icon']") else { return };
    let badge = match (unread, mentions) {
        (false, 0) => String::new(),
        (true, 0) => {
            r##"<circle cx="50" cy="50" r="12" fill="#e0a93a" stroke="#fff" stroke-width="3"/>"##.to_owned()
        }
        (_, count) => {
            let count = if count > 9 { "9+".to_owned() } else { count.to_string() };
            format!(
                r##"<circle cx="44" cy="44" r="19" fill="#b0392b" stroke="#fff" stroke-width="3"/><text x="44" y="53" font-family="sans-serif" font-size="25" font-weight="700" text-anchor="middle" fill="#fff">{count}</text>"##
            )
        }
    };
    let icon = ICON.replace("</svg>", &format!("{badge}</svg>"));
    let address = format!("data:image/svg+xml,{}", String::from(js_sys::encode_uri_component(&icon)));
    let _ = link.set_attribute("href", &address);
}

/// What the page's address names.
pub(crate) fn named() -> Named {
    Named::parse(&hash())
}

/// The part of the page's address from its `#` on.
pub(crate) fn hash() -> String {
    window().location().hash().unwrap_or_default()
}

/// Makes the page's address that of a room, unless it names the room already. A new entry of the browser's history, so
/// that its back button leads to the room before; with `replace` the present entry.
pub(crate) fn set_address_room(room: &RoomName, replace: bool) {
    if matches!(named(), Named::Place(address) if address.room == *room) {
        return;
    }
    let Ok(history) = window().history() else { return };
    let to = Address::of_room(room);
    // The entry of what covered the page is not needed any more, and nobody wants to come back to it.
    let _ = if replace || covers_in_history() > 0 {
        history.replace_state_with_url(&JsValue::NULL, "", Some(&to))
    } else {
        history.push_state_with_url(&JsValue::NULL, "", Some(&to))
    };
}

/// Makes the page's address that of a room and of no message in it, or of nothing, in the present entry of the history.
pub(crate) fn correct_address(room: Option<&RoomName>) {
    let Some(room) = room else { return clear_address() };
    let state = covers_in_history();
    let state = if state > 0 { JsValue::from(state) } else { JsValue::NULL };
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&state, "", Some(&Address::of_room(room)));
    }
}

/// How many things cover the page in the present entry of the browser's history.
pub(crate) fn covers_in_history() -> u32 {
    let state = window().history().and_then(|history| history.state()).ok();
    state.and_then(|state| state.as_f64()).map_or(0, |covers| covers as u32)
}

/// A new entry of the browser's history in which so many things cover the page.
pub(crate) fn push_cover(covers: u32) {
    if let Ok(history) = window().history() {
        let _ = history.push_state_with_url(&JsValue::from(covers), "", None);
    }
}

/// Goes so many entries of the browser's history back. The browser does that later.
pub(crate) fn go_back(entries: u32) {
    if let Ok(history) = window().history() {
        let _ = history.go_with_delta(-i32::try_from(entries).unwrap_or(1));
    }
}

/// The address of a place, whole, as one gives it to others.
pub(crate) fn whole_address(hash: &str) -> String {
    let location = window().location();
    let origin = location.origin().unwrap_or_default();
    format!("{origin}{}{hash}", location.pathname().unwrap_or_default())
}

/// Makes the page's address that of no room.
pub(crate) fn clear_address() {
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some("./"));
    }
}

/// Keeps the height of what can really be seen in a variable of the style sheet: on some phones the keyboard covers the
/// page instead of shrinking it.
pub(crate) fn follow_visual_viewport() {
    let Some(viewport) = window().visual_viewport() else { return };
    let seen = viewport.clone();
    let apply = Closure::<dyn FnMut()>::new(move || {
        let Some(root) =
            document().document_element().and_then(|root| root.dyn_into::<web_sys::HtmlElement>().ok())
        else {
            return;
        };
        // A page that is zoomed in is to keep its layout.
        if (seen.scale() - 1.0).abs() > 0.01 {
            return;
        }
        let _ = root.style().set_property("--seen-height", &format!("{}px", seen.height().round() as i32));
        if seen.offset_top() > 0.5 {
            window().scroll_to_with_x_and_y(0.0, 0.0);
        }
    });
    let _ = viewport.add_event_listener_with_callback("resize", apply.as_ref().unchecked_ref());
    apply.forget();
}

/// The user goes on in the composer; where that would bring up a keyboard, not by itself.
pub(crate) fn focus_composer() {
    let composer = document().get_element_by_id("composer");
    if let Some(composer) = composer.and_then(|composer| composer.dyn_into::<web_sys::HtmlElement>().ok())
        && !is_touch()
    {
        let _ = composer.focus();
    }
}

/// Comes back so much later.
pub(crate) async fn sleep(duration: Duration) {
    let later = js_sys::Promise::new(&mut |resolve, _| {
        set_timeout(
            move || {
                let _ = resolve.call0(&JsValue::UNDEFINED);
            },
            duration,
        );
    });
    let _ = wasm_bindgen_futures::JsFuture::from(later).await;
}

/// Loads the page anew.
pub(crate) fn reload() {
    if let Some(window) = web_sys::window() {
        let _ = window.location().reload();
    }
}

/// Takes away what stood there until the program started.
pub(crate) fn remove_boot_text() {
    if let Some(boot) = document().get_element_by_id("boot") {
        boot.remove();
    }
}

/// From now on a panic shows a plain message with a way to load the page again, instead of a page that does nothing.
pub(crate) fn show_panics() {
    std::panic::set_hook(Box::new(|info| {
        let text = info.to_string();
        web_sys::console::error_1(&JsValue::from_str(&text));
        let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
        if let Some(crash) = document.get_element_by_id("crash") {
            let _ = crash.remove_attribute("hidden");
        }
        if let Some(detail) = document.get_element_by_id("crash-detail") {
            detail.set_text_content(Some(&text));
        }
    }));
}

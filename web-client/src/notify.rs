//! Desktop notifications of mentions. Asked for on a click only, and only where the browser allows them at all.

use leptos::prelude::window;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{Notification, NotificationOptions, NotificationPermission};

use crate::address::Address;
use crate::driver::Mention;
use crate::i18n::{Lang, Phrase};
use crate::page;

/// The longest excerpt in a notification, in characters.
const EXCERPT_CHARS_MAX: usize = 200;

/// Whether notifications can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    /// The page does not come over https, so the browser offers none.
    Insecure,
    /// This browser has none.
    Missing,
    /// The user has not been asked.
    Askable,
    /// They come.
    Granted,
    /// The user does not want them.
    Denied,
}

/// How it stands.
pub(crate) fn permission() -> Permission {
    if !window().is_secure_context() {
        return Permission::Insecure;
    }
    if !js_sys::Reflect::has(&window(), &"Notification".into()).unwrap_or(false) {
        return Permission::Missing;
    }
    match Notification::permission() {
        NotificationPermission::Granted => Permission::Granted,
        NotificationPermission::Denied => Permission::Denied,
        _ => Permission::Askable,
    }
}

/// Asks the user; to be called on a click. `answered` hears how it stands then.
pub(crate) fn ask(answered: impl Fn(Permission) + 'static) {
    let callback = Closure::<dyn FnMut(wasm_bindgen::JsValue)>::new(move |_| answered(permission()));
    if let Ok(promise) = Notification::request_permission() {
        let _ = promise.then(&callback);
        // The browser keeps it until the user has answered.
        callback.forget();
    }
}

/// Tells of a mention, unless the user is looking at the page. A click leads to the message.
pub(crate) fn mention(lang: Lang, mention: &Mention) {
    if page::has_attention() || permission() != Permission::Granted {
        return;
    }
    let by = mention.by.as_str();
    let title = Phrase::Mentioned { by, room: mention.room.as_str() }.in_lang(lang);
    let excerpt: String = mention.text.chars().take(EXCERPT_CHARS_MAX).collect();
    let options = NotificationOptions::new();
    options.set_body(&teahouse_client_core::display_name(&excerpt));
    options.set_tag(mention.room.as_str());
    options.set_icon("./icon-app.svg");
    // Some systems have the constructor and refuse to use it; then there is none.
    let Ok(notification) = Notification::new_with_options(&title, &options) else { return };
    let to = Address::of_message(&mention.room, mention.seq);
    let shown = notification.clone();
    let on_click = Closure::once_into_js(move || {
        let _ = window().focus();
        let _ = window().location().set_hash(&to);
        shown.close();
    });
    notification.set_onclick(Some(on_click.unchecked_ref()));
}

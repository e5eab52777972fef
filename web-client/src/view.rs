//! What the reader sees.

mod banner;
mod code_block;
mod composer;
mod cure;
mod dialog;
mod frame;
mod held;
mod icon;
mod keys;
mod members;
mod message;
mod message_tools;
mod no_room;
mod notices;
mod offer;
mod place;
mod room_list;
mod room_menu;
mod rooms;
mod roving;
mod row_list;
mod scroller;
mod seal;
mod settings;
mod shown;
mod standing;
mod switcher;
mod text_shape;
mod timeline;
mod toast;
mod welcome;
mod words;

use leptos::either::Either;
use leptos::prelude::*;

use crate::app::App;
use crate::model::Link;

/// The whole page: the welcome page until the user has been let in, then the chat.
pub(crate) fn page(app: App) -> impl IntoView {
    let outside = Memo::new(move |_| {
        !app.entered.get() || app.model.link.with(|link| matches!(link, Link::NeedsName(_)))
    });
    move || if outside.get() { Either::Left(welcome::welcome(app)) } else { Either::Right(frame::frame(app)) }
}

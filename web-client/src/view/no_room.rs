//! What stands in the middle while no room is open: the rooms to choose from.

use leptos::prelude::*;

use super::room_list::RoomList;
use super::rooms::create_form;
use super::roving::rove;
use super::shown::shown;
use crate::app::App;
use crate::i18n::Text;

/// The page without a room.
pub(crate) fn no_room(app: App) -> AnyView {
    let model = app.model;
    let list = RoomList::new(app, RwSignal::new(true));
    let none = move || model.rooms.len() + model.other_rooms.len() == 0;
    view! {
        <section
            class="no-room"
            id="no-room"
            data-region="timeline"
            data-testid="no-room"
            aria-label=app.text(Text::Rooms)
            on:keydown=move |event| rove(&event, "#no-room .room")
        >
            <h2>{app.text(Text::NoRoom)}</h2>
            {list.joined()}
            {list.others()}
            {shown(none, move || view! { <p class="hint">{app.text(Text::NoRooms)}</p> })}
            <h2>{app.text(Text::NewRoom)}</h2>
            {create_form(app, || ())}
        </section>
    }
    .into_any()
}

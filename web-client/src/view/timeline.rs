//! The open room's timeline.
//!
//! `role=log` says what it is, but rows come and go with scrolling, so the log itself is silent (`aria-live=off`) and a
//! line beside it tells new messages, each once.

use std::rc::Rc;

use leptos::html;
use leptos::prelude::*;
use teahouse_client_core::{Row, Standing};
use wasm_bindgen::JsCast;

use super::held::Held;
use super::icon::{Icon, icon};
use super::message;
use super::message_tools::{MessageTools, message_tools};
use super::row_list::RowList;
use super::scroller::Scroller;
use super::shown::shown;
use crate::app::App;
use crate::i18n::{Phrase, Text};

/// The timeline.
pub(crate) fn timeline(app: App) -> AnyView {
    let view = NodeRef::<html::Div>::new();
    let content = NodeRef::<html::Div>::new();
    let scroller = Scroller::new(app, view, content);
    let (rows, marked, below, spoken) =
        (scroller.shown, scroller.marked.read_only(), scroller.below, scroller.spoken);
    let tools = MessageTools::new(app, Rc::clone(&scroller));
    let bar = message_tools(&tools);
    let tools = Held::new(tools);
    let scroller = Held::new(scroller);
    let on_scroller = move |act: fn(&Scroller)| scroller.act(act);
    Effect::new(move || {
        if let (Some(view), Some(content)) = (view.get(), content.get()) {
            scroller.act(|scroller| scroller.watch(&view, &content));
        }
    });
    let list = StoredValue::new_local(RowList::new());
    Effect::new(move || {
        let Some(content) = content.get() else { return };
        let slots = rows.slots();
        let keys: Vec<_> = slots.iter().map(|slot| slot.0).collect();
        let draw = |at: usize| message::row(app, keys[at], slots[at].1.clone(), marked).into_any();
        list.update_value(|list| list.update(&content, &keys, draw));
    });
    Effect::new(move || {
        let timeline = app.model.timeline.get();
        scroller.act(|scroller| scroller.take(timeline));
    });
    Effect::new(move |earlier: Option<()>| {
        app.to_latest.track();
        if earlier.is_some() {
            on_scroller(Scroller::to_latest);
        }
    });
    Effect::new(move || {
        app.target.track();
        on_scroller(|scroller| {
            scroller.to_target();
        });
    });
    on_cleanup(move || on_scroller(Scroller::unwatch));
    let head = move || {
        // Nothing is on its way from a room that there is not, and the bar says so.
        if app.model.standing.get() == Some(Standing::Missing) {
            return None;
        }
        app.model.timeline.with(|timeline| match timeline {
            timeline if timeline.loading_older || (!timeline.loaded && timeline.rows.is_empty()) => {
                Some(Text::Loading)
            }
            timeline if timeline.has_older => None,
            timeline if timeline.rows.iter().any(|row| matches!(**row, Row::Message { .. })) => {
                Some(Text::Beginning)
            }
            _ => Some(Text::EmptyRoom),
        })
    };
    view! {
        <section class="timeline-frame" data-region="timeline">
            <div
                node_ref=view
                class="timeline"
                id="timeline"
                tabindex="0"
                role="log"
                aria-live="off"
                aria-label=app.text(Text::Messages)
                data-testid="timeline"
                data-at-bottom=move || app.at_bottom.get().to_string()
                on:scroll=move |_| on_scroller(Scroller::on_scroll)
                on:keydown=move |event| tools.act(|tools| tools.on_keydown(&event))
            >
                <div class="timeline-head">{move || head().map(|text| app.say(text))}</div>
                <div
                    node_ref=content
                    class="timeline-rows"
                    on:pointerover=move |event| tools.act(|tools| tools.on_pointer_over(&event))
                    on:pointerdown=move |event| tools.act(|tools| tools.on_pointer_down(&event))
                    on:pointermove=move |event| tools.act(|tools| tools.on_pointer_move(&event))
                    on:pointerup=move |_| tools.act(|tools| tools.release())
                    on:pointercancel=move |_| tools.act(|tools| tools.release())
                    on:contextmenu=move |event| tools.act(|tools| tools.on_context_menu(event.unchecked_ref()))
                    on:focusin=move |event| tools.act(|tools| tools.on_focus_in(&event))
                    on:click=move |event| tools.act(|tools| tools.on_click(&event))
                ></div>
            </div>
            <div hidden>{bar}</div>
            <div class="sr" aria-live="polite" data-testid="announcer">{move || spoken.get()}</div>
            {shown(move || !app.at_bottom.get(), move || to_latest(app, below))}
        </section>
    }
    .into_any()
}

fn to_latest(app: App, below: RwSignal<u64>) -> AnyView {
    let text = move || match below.get() {
        0 => app.say(Text::ToLatest).to_owned(),
        count => app.phrase(&Phrase::NewBelow(count)),
    };
    view! {
        <button
            type="button"
            class="new-below"
            data-testid="new-below"
            data-count=move || below.get().to_string()
            on:click=move |_| app.to_latest.notify()
        >
            <span class="new-below-text">{text}</span>
            {icon(Icon::Down)}
        </button>
    }
    .into_any()
}

//! What one can do with a message: copy its link or its text, and quote it.
//!
//! There is one bar for all messages. It comes to the message under the pointer or with the focus, and to the one that a
//! finger rests on.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use leptos::html;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use teahouse_client_core::{Row, RowKey, display_name};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlElement, KeyboardEvent, MouseEvent, PointerEvent};

use super::held::Held;
use super::icon::{Icon, icon};
use super::message::key_from_text;
use super::scroller::Scroller;
use crate::address::Address;
use crate::app::{App, Insertion};
use crate::i18n::Text;
use crate::page;

/// How long a finger has to rest on a message, in milliseconds.
const LONG_PRESS_MS: u64 = 450;
/// How long rows have to stand still under a mouse until the bar comes, in milliseconds.
const STANDS_MS: u64 = 100;
/// A finger that moves further than this, in pixels, scrolls.
const RESTING_PX: i32 = 10;
/// The most lines of a message that are quoted.
const QUOTED_LINES_MAX: usize = 6;

/// The bar, and where it is.
pub(crate) struct MessageTools {
    app: App,
    scroller: Rc<Scroller>,
    bar: NodeRef<html::Div>,
    /// The message that the bar belongs to.
    message: Cell<Option<RowKey>>,
    /// A finger rests on a message: where, and until when.
    press: RefCell<Option<(i32, i32, TimeoutHandle)>>,
    /// Rows scroll past under a mouse: when the last of them gets the bar.
    passing: Cell<Option<TimeoutHandle>>,
    this: Weak<Self>,
}

impl MessageTools {
    /// The bar is at no message.
    pub(crate) fn new(app: App, scroller: Rc<Scroller>) -> Rc<Self> {
        Rc::new_cyclic(|this| Self {
            app,
            scroller,
            bar: NodeRef::new(),
            message: Cell::new(None),
            press: RefCell::default(),
            passing: Cell::default(),
            this: this.clone(),
        })
    }

    /// Brings the bar to the message around an element. Answers whether there is one.
    fn come_to(&self, element: &Element) -> bool {
        let message = element.closest("article").ok().flatten();
        let key = message.as_ref().and_then(|message| key_from_text(&message.get_attribute("data-key")?));
        let (Some(message), Some(key), Some(bar)) = (message, key, self.bar.get_untracked()) else {
            return false;
        };
        let there = bar.parent_element().as_ref() == Some(&message);
        self.message.set(Some(key));
        if !there {
            let _ = bar.remove_attribute("data-held");
            let _ = message.append_child(&bar);
        }
        let pending = if message.has_attribute("data-seq") { "false" } else { "true" };
        let _ = bar.set_attribute("data-pending", pending);
        true
    }

    /// The pointer is over something.
    pub(crate) fn on_pointer_over(&self, event: &PointerEvent) {
        let Some(element) = element_of(event) else { return };
        if event.pointer_type() == "mouse" {
            self.come_under_mouse(&element);
        }
        // When it was said is worked out only for those who want to know.
        if let Some(time) = element.closest(".time").ok().flatten()
            && let Some(stamp) = time.query_selector("time").ok().flatten()
        {
            let at = stamp.get_attribute("datetime").unwrap_or_default();
            let _ = time.set_attribute("title", &whole_time(&at, self.app.lang.get_untracked().tag()));
        }
    }

    /// Brings the bar to the message under a mouse; while rows scroll past, once they stand: it would cost each frame a
    /// change of two rows.
    fn come_under_mouse(&self, element: &Element) {
        if let Some(timer) = self.passing.take() {
            timer.clear();
        }
        if !self.scroller.scrolls() {
            self.come_to(element);
            return;
        }
        let (this, element) = (self.this.clone(), element.clone());
        let stands = move || {
            let Some(this) = this.upgrade() else { return };
            this.passing.take();
            // Its row may have left the page meanwhile.
            if element.is_connected() {
                this.come_to(&element);
            }
        };
        self.passing.set(set_timeout_with_handle(stands, Duration::from_millis(STANDS_MS)).ok());
    }

    /// Something in a message has the focus.
    pub(crate) fn on_focus_in(&self, event: &web_sys::FocusEvent) {
        if let Some(element) = element_of(event) {
            self.come_to(&element);
        }
    }

    /// A finger is put down.
    pub(crate) fn on_pointer_down(&self, event: &PointerEvent) {
        self.release();
        let Some(element) = element_of(event) else { return };
        if event.pointer_type() == "mouse" || element.closest("a, button").ok().flatten().is_some() {
            return;
        }
        let this = self.this.clone();
        let rests = move || {
            if let Some(this) = this.upgrade() {
                this.press.take();
                this.hold(&element);
            }
        };
        let timer = set_timeout_with_handle(rests, Duration::from_millis(LONG_PRESS_MS));
        *self.press.borrow_mut() = timer.ok().map(|timer| (event.client_x(), event.client_y(), timer));
    }

    /// A finger moves.
    pub(crate) fn on_pointer_move(&self, event: &PointerEvent) {
        let moved = self.press.borrow().as_ref().is_some_and(|(x, y, _)| {
            (event.client_x() - x).abs().max((event.client_y() - y).abs()) > RESTING_PX
        });
        if moved {
            self.release();
        }
    }

    /// The finger is gone.
    pub(crate) fn release(&self) {
        if let Some((_, _, timer)) = self.press.take() {
            timer.clear();
        }
    }

    /// The system takes a long press for a wish for its own menu. A mouse's is left alone.
    pub(crate) fn on_context_menu(&self, event: &PointerEvent) {
        let Some(element) = element_of(event) else { return };
        let on_link = element.closest("a").ok().flatten().is_some();
        if event.pointer_type() == "touch" && !on_link && self.hold(&element) {
            event.prevent_default();
        }
    }

    /// Shows the bar until something else is touched.
    fn hold(&self, element: &Element) -> bool {
        let held = self.come_to(element);
        if let Some(bar) = self.bar.get_untracked().filter(|_| held) {
            let _ = bar.set_attribute("data-held", "true");
        }
        held
    }

    /// Something is clicked: a time copies the link of its message, as long as nobody wants it in another tab.
    pub(crate) fn on_click(&self, event: &MouseEvent) {
        let Some(element) = element_of(event) else { return };
        if let Some(bar) = self.bar.get_untracked()
            && !bar.contains(Some(&element))
            && self.press.borrow().is_none()
        {
            let _ = bar.remove_attribute("data-held");
        }
        let plain = !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key());
        let link = element.closest("a.time").ok().flatten().and_then(|link| link.get_attribute("href"));
        if let Some(link) = link.filter(|_| plain && event.button() == 0) {
            event.prevent_default();
            self.app.copy(&page::whole_address(&link));
        }
    }

    /// Up and Down go from message to message, from the timeline itself to the last that is in view; Home and End to the
    /// oldest and the newest.
    pub(crate) fn on_keydown(&self, event: &KeyboardEvent) {
        if event.alt_key() || event.ctrl_key() || event.meta_key() || event.shift_key() {
            return;
        }
        match event.key().as_str() {
            "ArrowUp" => self.step(true),
            "ArrowDown" => self.step(false),
            "Home" => self.scroller.to_oldest(),
            "End" => self.scroller.to_latest(),
            _ => return,
        }
        event.prevent_default();
    }

    fn step(&self, up: bool) {
        let focused = document().active_element().and_then(|active| active.closest("article").ok().flatten());
        let to = match focused {
            Some(message) => {
                let next = |row: &Element| {
                    if up { row.previous_element_sibling() } else { row.next_element_sibling() }
                };
                let mut rows = std::iter::successors(next(&message), next);
                rows.find(|row| row.tag_name() == "ARTICLE")
            }
            None => self.scroller.last_in_view(),
        };
        if let Some(to) = to.and_then(|to| to.dyn_into::<HtmlElement>().ok()) {
            let _ = to.focus();
        }
    }

    fn copy_link(&self) {
        let Some(Row::Message { seq: Some(seq), .. }) = self.row().as_deref().cloned() else { return };
        if let Some(room) = self.app.model.active.get_untracked() {
            self.app.copy(&page::whole_address(&Address::of_message(&room, seq)));
        }
    }

    fn copy_text(&self) {
        if let Some(Row::Message { text, .. }) = self.row().as_deref() {
            self.app.copy(text);
        }
    }

    fn quote(&self) {
        if let Some(Row::Message { by, text, .. }) = self.row().as_deref() {
            self.app.insert.set(Some(Insertion::Lines(quotation(by.as_str(), text))));
        }
    }

    fn row(&self) -> Option<std::sync::Arc<Row>> {
        self.scroller.row(self.message.get()?)
    }
}

/// Draws the bar, where nobody sees it before it comes to a message.
pub(crate) fn message_tools(tools: &Rc<MessageTools>) -> AnyView {
    let app = tools.app;
    let bar = tools.bar;
    let tools = Held::new(Rc::clone(tools));
    let button =
        move |test: &'static str, class: &'static str, text: Text, picture: Icon, act: fn(&MessageTools)| {
            view! {
                <button
                    type="button"
                    class=class
                    data-testid=test
                    title=app.text(text)
                    aria-label=app.text(text)
                    on:click=move |_| tools.act(act)
                >
                    {icon(picture)}
                </button>
            }
            .into_any()
        };
    view! {
        <div
            node_ref=bar
            class="message-tools"
            role="group"
            data-testid="message-tools"
            aria-label=app.text(Text::MessageTools)
        >
            {button("copy-link", "tool logged-only", Text::CopyLink, Icon::Link, MessageTools::copy_link)}
            {button("copy-text", "tool", Text::CopyWords, Icon::Copy, MessageTools::copy_text)}
            {button("quote", "tool", Text::Quote, Icon::Quote, MessageTools::quote)}
        </div>
    }
    .into_any()
}

fn element_of(event: &web_sys::Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

/// Date and time as the reader's system writes them.
fn whole_time(at: &str, lang: &str) -> String {
    let options = js_sys::Object::new();
    for (name, value) in [("dateStyle", "full"), ("timeStyle", "medium")] {
        let _ = js_sys::Reflect::set(&options, &name.into(), &value.into());
    }
    let date = js_sys::Date::new(&JsValue::from(at));
    date.to_locale_string(lang, &options).into()
}

/// The first lines of a message with its author, as people quote in plain text.
fn quotation(by: &str, text: &str) -> String {
    let lines: Vec<&str> = text.trim_matches('\n').lines().filter(|line| !line.starts_with("> ")).collect();
    let mut quoted = String::new();
    for (index, line) in lines.iter().take(QUOTED_LINES_MAX).enumerate() {
        let line = display_name(line);
        let author = if index == 0 { format!("{by}: ") } else { String::new() };
        let more = if index + 1 == QUOTED_LINES_MAX && lines.len() > QUOTED_LINES_MAX { " …" } else { "" };
        quoted += &format!("{}> {author}{line}{more}", if index > 0 { "\n" } else { "" });
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quotation_has_the_author_and_the_first_lines() {
        assert_eq!(quotation("ana", "你好\n世界\n"), "> ana: 你好\n> 世界");
        assert_eq!(quotation("bo", "> ana: 你好\n也好"), "> bo: 也好", "what was quoted is not quoted again");
        let long = (0..9).map(|line| line.to_string()).collect::<Vec<_>>().join("\n");
        assert_eq!(quotation("bo", &long), "> bo: 0\n> 1\n> 2\n> 3\n> 4\n> 5 …");
        assert_eq!(quotation("bo", "a\u{1b}[2J"), "> bo: a␛[2J");
    }
}

//! The browser client of Teahouse.
//!
//! All behaviour of a client is in `teahouse-client-core`; this crate gives it a link, a clock, a store and a face:
//!
//! `socket` (a WebSocket to the page's own origin) → `driver` (executes the brain's outputs) → `model` (signals that
//! change only where something changed) → `view` (what the reader sees). No view sees the wire beyond names and ids.
//!
//! What is pure (`composing`, `completion`, `row_window`, `address`, `calendar`, `palette`, `i18n`) is tested natively by
//! `cargo test -p teahouse-web`; the rest compiles natively too, so that it is linted with the workspace, but runs in a
//! browser only. `README.md` beside this crate lists the hooks (`data-testid`) for tests in a browser.

mod address;
mod app;
mod calendar;
mod clock;
mod completion;
mod composing;
mod driver;
mod i18n;
mod keys;
mod model;
mod notify;
mod page;
mod palette;
mod row_window;
mod socket;
mod storage;
mod view;

use leptos::prelude::*;

/// Takes over the page.
pub fn start() {
    page::show_panics();
    page::remove_boot_text();
    mount_to_body(|| view::page(app::App::start()));
}

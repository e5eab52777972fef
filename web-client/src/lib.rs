//! The browser client of Teahouse.
//!
//! All behaviour of a client is in `teahouse-client-core`; this crate gives it a link, a clock, a store and a face:
//!
//! `socket` (a WebSocket to the page's own origin) → `driver` (executes the brain's outputs) → `model` (signals that
//! change only where something changed) → `view` (what the reader sees). `database` keeps what the brain wants kept. No view sees the wire beyond names and ids.
//!
//! What is pure (`composing`, `completion`, `row_window`, `address`, `calendar`, `palette`, `room_search`, `i18n`) is tested natively by
//! `cargo test -p teahouse-web`; the rest compiles natively too, so that it is linted with the workspace, but runs in a
//! browser only. `README.md` beside this crate lists the hooks (`data-testid`) for tests in a browser.

mod address;
mod app;
mod calendar;
mod clipboard;
mod clock;
mod completion;
mod composing;
mod covering;
mod database;
mod driver;
mod i18n;
mod keys;
mod model;
mod notify;
mod page;
mod palette;
mod pinyin;
mod room_search;
mod row_window;
mod socket;
mod storage;
mod tabs;
mod view;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use database::Database;
use storage::Storage;

/// How long the browser may take to open its store, in milliseconds; then the page goes on without one.
const OPEN_WITHIN_MS: u64 = 10_000;

/// Takes over the page, once what is kept has been read.
pub fn start() {
    page::show_panics();
    let begin = |database: Database, kept: Vec<(String, String)>| {
        page::remove_boot_text();
        mount_to_body(|| view::page(app::App::start(database, kept)));
    };
    let begin = Rc::new(Cell::new(Some(begin)));
    let late = Rc::clone(&begin);
    let without = move || {
        if let Some(begin) = late.take() {
            begin(Database::none(), Vec::new());
        }
    };
    let timer = set_timeout_with_handle(without.clone(), Duration::from_millis(OPEN_WITHIN_MS));
    spawn_local(async move {
        let storage = Storage::open();
        let earlier = storage.brain_values();
        let tab = format!("{:016x}", driver::seed());
        let opened = Database::open(tab, &earlier).await;
        if let Ok(timer) = timer {
            timer.clear();
        }
        let Ok((database, kept)) = opened else { return without() };
        if !database.refused() {
            storage.remove_brain_values(&earlier);
        }
        if let Some(begin) = begin.take() {
            begin(database, kept.into_iter().collect());
        }
    });
}

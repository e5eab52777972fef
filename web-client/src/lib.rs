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
mod channel;
mod clipboard;
mod clock;
mod completion;
mod composing;
mod covering;
mod database;
mod driver;
mod files;
mod house;
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

use app::App;
use database::{Database, Health};
use driver::Beginning;
use storage::Storage;

/// How long the page waits for the browser's store before it shows what can be shown without, in milliseconds.
const SHOWN_AFTER_MS: u64 = 1_000;
/// How long after a failure the store is opened again, in milliseconds.
const OPEN_AGAIN_AFTER_MS: u64 = 5_000;

/// Takes over the page, once what is kept has been read; or without that, until it has been.
pub fn start() {
    page::show_panics();
    let app = Rc::new(Cell::new(None::<App>));
    let begin = move |beginning: Beginning| match app.get() {
        Some(app) => app.begin_anew(beginning),
        None => {
            page::remove_boot_text();
            let app = Rc::clone(&app);
            mount_to_body(move || {
                let begun = App::start(beginning);
                app.set(Some(begun));
                view::page(begun)
            });
        }
    };
    let begun = Rc::new(Cell::new(false));
    let (begin, waiting) = (Rc::new(begin), Rc::clone(&begun));
    let meanwhile = Rc::clone(&begin);
    set_timeout(
        move || {
            if !waiting.get() {
                meanwhile(Beginning::NotYet);
            }
        },
        Duration::from_millis(SHOWN_AFTER_MS),
    );
    spawn_local(async move {
        let storage = Storage::open();
        let earlier = storage.brain_values();
        loop {
            let tab = format!("{:016x}", driver::seed());
            let opened = Database::open(tab, &earlier).await;
            begun.set(true);
            match opened {
                Ok((database, kept)) => {
                    if database.health() == Health::Keeps {
                        storage.remove_brain_values(&earlier);
                    }
                    return begin(Beginning::Kept(database, kept.into_iter().collect()));
                }
                Err(_) => begin(Beginning::NothingKept),
            }
            page::sleep(Duration::from_millis(OPEN_AGAIN_AFTER_MS)).await;
        }
    });
}

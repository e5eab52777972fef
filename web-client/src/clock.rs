//! The browser's clocks.

use std::cell::Cell;

use teahouse_client_core::{Now, Ticks};
use teahouse_protocol::UnixMillis;

/// Both clocks. The monotonic one is `performance.now()`.
pub(crate) fn now() -> Now {
    Now { ticks: ticks(), unix: UnixMillis::new(whole(js_sys::Date::now())) }
}

/// The monotonic clock.
pub(crate) fn ticks() -> Ticks {
    let performance = web_sys::window().and_then(|window| window.performance());
    Ticks(whole(performance.map_or_else(js_sys::Date::now, |performance| performance.now())))
}

/// The time of the frame that is being made: the same one until the next frame.
pub(crate) fn frame_time() -> Option<f64> {
    leptos::prelude::document().timeline().current_time()
}

// A cast from a float saturates, and neither clock comes near 2^53.
fn whole(millis: f64) -> u64 {
    millis.max(0.0) as u64
}

const HOUR_MS: u64 = 3_600_000;

thread_local! {
    /// The hour that was asked for last, and the offset in it. No zone changes its offset within a UTC hour but at its
    /// quarters, and asking the browser for every row of a long room is slow.
    static LAST: Cell<Option<(u64, i32)>> = const { Cell::new(None) };
}

/// The local offset from UTC at that time, in minutes, east positive.
pub(crate) fn offset_minutes(at: UnixMillis) -> i32 {
    let quarter = at.get() / (HOUR_MS / 4);
    if let Some((last, offset)) = LAST.get()
        && last == quarter
    {
        return offset;
    }
    let date = js_sys::Date::new(&wasm_bindgen::JsValue::from_f64(at.get() as f64));
    let offset = -(date.get_timezone_offset() as i32);
    LAST.set(Some((quarter, offset)));
    offset
}

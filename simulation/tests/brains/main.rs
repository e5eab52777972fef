//! Brains against the server's real state, in virtual time, over links that delay, cut and swallow.
//!
//! Each run is a function of its seed: a failure names the seed, and the same seed fails again.

mod server;
mod story;

use story::{Story, Weather};

fn check(seeds: std::ops::Range<u64>, weather: Weather) {
    for seed in seeds {
        let mut story = Story::new(seed, weather);
        story.run();
        story.check();
    }
}

#[test]
fn in_fair_weather_everything_arrives_in_order() {
    check(0..20, Weather { cuts: false, crashes: false, busy: false, short_memory: false, leases: false });
}

#[test]
fn over_links_that_are_cut_every_post_arrives_once_and_in_order() {
    check(100..220, Weather { cuts: true, crashes: false, busy: false, short_memory: false, leases: false });
}

#[test]
fn a_server_that_replays_little_leaves_no_silent_hole() {
    check(300..380, Weather { cuts: true, crashes: false, busy: false, short_memory: true, leases: false });
}

#[test]
fn a_client_that_is_killed_goes_on_from_what_it_stored() {
    check(400..480, Weather { cuts: true, crashes: true, busy: false, short_memory: false, leases: false });
}

#[test]
fn a_server_that_is_busy_now_and_then_gets_every_post_once_and_in_order() {
    check(500..560, Weather { cuts: true, crashes: false, busy: true, short_memory: false, leases: false });
}

/// A guest who stays away is let go, and while it is away others take its name and speak under it.
#[test]
fn of_guests_on_leases_no_word_stands_twice_and_none_is_taken_for_anothers() {
    check(600..700, Weather { cuts: true, crashes: false, busy: false, short_memory: false, leases: true });
    check(700..760, Weather { cuts: true, crashes: true, busy: true, short_memory: true, leases: true });
}

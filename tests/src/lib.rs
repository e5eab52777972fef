//! The harness of the stories: the real programs, the real doors, and ways to wait for what must happen.
//!
//! Nothing here sleeps. Every wait is for a condition, and gives up with a panic after [`wait::DEADLINE`], saying what
//! it waited for. Whatever a story starts is ended when its value is dropped, and prints its log if the story failed.

pub mod wait;

pub mod received;

pub mod process;

pub mod programs;

pub mod server;

pub mod client;
pub mod tcp;
pub mod ws;

pub mod text;

pub mod python;

pub mod terminal;

pub mod driver;

pub mod browser;

pub mod page;

pub mod meter;

pub mod trace;

pub mod axe;

pub mod browser_scenes;

pub mod transcript;

pub mod run;

pub mod reverse_proxy;

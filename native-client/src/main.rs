//! `teahouse`, the terminal client: a line client for people, and `send` and `tail` for scripts.
//!
//! It mirrors the browser client: `socket` → `driver` (does what the brain says) → the brain's model → `view`.

mod address;
mod arguments;
mod chat;
mod driver;
mod exit;
mod input;
mod language;
mod output;
mod send;
mod session;
mod socket;
mod state_file;
mod tail;
mod view;

use clap::Parser;

use arguments::{Arguments, Task};
use exit::Exit;

fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("teahouse: the program cannot start its event loop: {error}");
            return Exit::Other.into();
        }
    };
    let outcome = runtime.block_on(async {
        match arguments.task {
            Task::Chat(options) => chat::run(options).await,
            Task::Send(options) => send::run(options).await,
            Task::Tail(options) => tail::run(options).await,
        }
    });
    // A blocked read of standard input must not keep the program from ending.
    runtime.shutdown_background();
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("teahouse: {error:#}");
            Exit::Other.into()
        }
    }
}

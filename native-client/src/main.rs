//! `teahouse`, the terminal client: a line client for people, and `send` and `tail` for scripts.
//!
//! It mirrors the browser client: `socket` → `driver` (does what the brain says) → the brain's model → `view`.

#![cfg_attr(not(test), warn(clippy::print_stdout, clippy::print_stderr))]

mod address;
mod arguments;
mod chat;
mod driver;
mod exit;
mod fnv;
mod input;
mod language;
mod output;
mod send;
mod session;
mod socket;
mod state_file;
mod tail;
mod view;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Task};
use exit::{Exit, exit_of};
use output::complain;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => return answered(&answer),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format_args!("the program cannot start its event loop: {error}"));
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
            complain(format_args!("{error:#}"));
            exit_of(&error).into()
        }
    }
}

/// The answer to `--help`, `--version` or wrong arguments. Where nobody reads it any more, that is no failure.
fn answered(answer: &clap::Error) -> ExitCode {
    match answer.print().and_then(|()| io::stdout().flush()) {
        Err(error) if !answer.use_stderr() && error.kind() != io::ErrorKind::BrokenPipe => {
            complain(format_args!("standard output cannot be written: {error}"));
            Exit::Other.into()
        }
        _ => ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(Exit::Other as u8)),
    }
}

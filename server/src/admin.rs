//! The program's tasks beside serving.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use teahouse_server::config::Task;
use teahouse_server::log::maintenance::{self, MaintenanceError};
use teahouse_server::standard_error::StandardError;

/// Carries out a task on the data in `data`. Whoever reads standard output may go away at any time: the task is carried
/// out all the same, and its end tells whether it was.
pub(crate) fn run(task: Task, data: &Path, standard_error: &StandardError) -> Result<()> {
    match task {
        Task::Backup { file } => {
            for leftover in maintenance::backup(data, &file)? {
                standard_error.say(format_args!(
                    "{} is of a backup that was ended in the middle or is under way; delete it when none is",
                    leftover.display()
                ));
            }
            print(format_args!("{} is in {}", data.display(), file.display()))
                .context("the backup is made, but that cannot be told")
        }
        Task::Verify { path } => {
            let path = path.as_deref().unwrap_or(data);
            let report = maintenance::verify_at(path)?;
            let mut lines = format!("{}: {} events in {} rooms", path.display(), report.events, report.rooms);
            for problem in &report.problems {
                lines.push_str(&format!("\n! {problem}"));
            }
            if report.unlisted > 0 {
                lines.push_str(&format!("\n! and {} more", report.unlisted));
            }
            if report.is_sound() {
                return print(format_args!("{lines}\neverything is as it was written"))
                    .context("everything is as it was written, but that cannot be told");
            }
            // What is wrong matters more than that it could not be printed.
            let printed = print(lines);
            let damaged = format!("{} is damaged; restore it from a backup", path.display());
            match printed {
                Ok(()) => bail!(damaged),
                Err(error) => Err(error.context(damaged)),
            }
        }
        Task::Restore { file } => {
            let report = maintenance::restore(&file, data, &crate::fresh_epoch())?;
            print(format_args!("{} holds {} events in {} rooms", data.display(), report.events, report.rooms))
                .context("the backup is restored, but that cannot be told")
        }
        Task::Export { room } => {
            let mut out = io::BufWriter::new(io::stdout().lock());
            match maintenance::export(data, &room, &mut out) {
                Ok(events) => standard_error.say(format_args!("{events} events of {room}")),
                Err(MaintenanceError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
                Err(error) => return Err(error.into()),
            }
            Ok(())
        }
        Task::Import { room } => {
            let events = maintenance::import(data, &room, io::stdin().lock())?;
            print(format_args!("{room} has {events} events"))
                .context("the room is imported, but that cannot be told")
        }
    }
}

/// Prints a line. Where nobody reads it any more, that is no failure.
fn print(line: impl Display) -> Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("standard output cannot be written")
        }
        _ => Ok(()),
    }
}

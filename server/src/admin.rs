//! The program's tasks beside serving.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Result, bail};
use teahouse_server::config::Task;
use teahouse_server::log::maintenance;

/// Carries out a task on the data in `data`.
pub(crate) fn run(task: Task, data: &Path) -> Result<()> {
    match task {
        Task::Backup { file } => {
            maintenance::backup(data, &file)?;
            println!("{} is in {}", data.display(), file.display());
        }
        Task::Verify { path } => {
            let path = path.as_deref().unwrap_or(data);
            let report = maintenance::verify_at(path)?;
            println!("{}: {} events in {} rooms", path.display(), report.events, report.rooms);
            for problem in &report.problems {
                println!("! {problem}");
            }
            if report.unlisted > 0 {
                println!("! and {} more", report.unlisted);
            }
            if !report.is_sound() {
                bail!("{} is damaged; restore it from a backup", path.display());
            }
            println!("everything is as it was written");
        }
        Task::Restore { file } => {
            let report = maintenance::restore(&file, data, &crate::fresh_epoch())?;
            println!("{} holds {} events in {} rooms", data.display(), report.events, report.rooms);
        }
        Task::Export { room } => {
            let mut out = io::BufWriter::new(io::stdout().lock());
            let events = maintenance::export(data, &room, &mut out)?;
            out.flush()?;
            eprintln!("{events} events of {room}");
        }
        Task::Import { room } => {
            let events = maintenance::import(data, &room, io::stdin().lock())?;
            println!("{room} has {events} events");
        }
    }
    Ok(())
}

use std::fmt;

use rusqlite::Connection;

use super::{LogError, migrations, tables};

/// The most problems that are listed; the rest is counted.
const PROBLEMS_LISTED_MAX: usize = 20;

/// What a look through a whole log found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many rooms there are.
    pub rooms: u64,
    /// How many events there are.
    pub events: u64,
    /// What is wrong, in words.
    pub problems: Vec<String>,
    /// How many further problems there are.
    pub unlisted: u64,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn problem(&mut self, problem: impl fmt::Display) {
        if self.problems.len() < PROBLEMS_LISTED_MAX {
            self.problems.push(problem.to_string());
        } else {
            self.unlisted += 1;
        }
    }
}

/// Looks through a whole log: every page intact, every event as it was written, seqs without gaps, and the tables that
/// answer for the present equal to what the events make.
pub(super) fn verify(connection: &Connection) -> Result<Report, LogError> {
    let snapshot = connection.unchecked_transaction()?;
    let mut report = Report::default();
    let mut statement = snapshot.prepare("PRAGMA integrity_check(20)")?;
    for verdict in statement.query_map([], |row| row.get::<_, String>(0))? {
        let verdict = verdict?;
        if verdict != "ok" {
            report.problem(format_args!("pages: {verdict}"));
        }
    }

    tables::verify(&snapshot, migrations::version(&snapshot)?, &mut report)?;
    Ok(report)
}

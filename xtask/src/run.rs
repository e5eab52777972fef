use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::assemble::{self, SERVER, TERMINAL, assemble};
use crate::child::{become_program, find_program};
use crate::project::{Profile, Project};
use crate::screen::say;
use crate::steps::Steps;

/// `cargo xtask run`: builds everything and becomes the server.
pub(crate) fn run(project: &Project, options: &[String]) -> Result<()> {
    let steps = Steps::new(assemble::STEPS);
    assemble(project, &steps, Profile::Quick)?;
    say!("everything is built after {}; starting the server …", steps.total_time());
    if serves(options) {
        let elsewhere =
            ["TEAHOUSE_LISTEN", "TEAHOUSE_CONFIG"].iter().any(|name| std::env::var_os(name).is_some());
        let built = project.built(Profile::Quick, TERMINAL);
        let installed = find_program(TERMINAL).is_some();
        say!("{}", terminal_words(&built, installed, elsewhere || listens_elsewhere(options)));
    }
    become_program(Command::new(project.built(Profile::Quick, SERVER)).args(options))
}

/// Whether the program serves with these options, rather than answer or look after the data.
fn serves(options: &[String]) -> bool {
    let answers = ["--help", "-h", "--version", "-V"];
    options.first().is_none_or(|first| first.starts_with('-'))
        && !options.iter().any(|option| answers.contains(&option.as_str()))
}

fn listens_elsewhere(options: &[String]) -> bool {
    options.iter().any(|option| matches!(option.split('=').next(), Some("--listen" | "--config")))
}

/// How to reach the terminal client: the one that was installed, or the one that was just built.
fn terminal_words(built: &Path, installed: bool, elsewhere: bool) -> String {
    let address = if elsewhere { " HOST:PORT, as it says after \"listening on\"" } else { "" };
    if installed {
        return format!("to chat in another terminal: teahouse chat{address}");
    }
    format!(
        "to chat in another terminal: {} chat{address}\n\
         `cargo xtask install` puts teahouse and teahouse-server where every shell finds them",
        quoted(&built.to_string_lossy())
    )
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/\\._-:".contains(c);
    if word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_to_type_can_be_typed() {
        let words = terminal_words(Path::new("/home/阿明/tea house/target/quick/teahouse"), false, false);
        assert!(words.contains(": '/home/阿明/tea house/target/quick/teahouse' chat\n"), "{words}");
        assert!(words.contains("cargo xtask install"));
        let words = terminal_words(Path::new("/target/quick/teahouse"), false, false);
        assert!(words.contains(": /target/quick/teahouse chat\n"), "{words}");
        let words = terminal_words(Path::new("x"), true, false);
        assert_eq!(words, "to chat in another terminal: teahouse chat");
        assert!(terminal_words(Path::new("x"), true, true).contains("chat HOST:PORT, as it says"));
    }

    #[test]
    fn only_a_server_is_chatted_with() {
        let options = |line: &str| line.split_whitespace().map(Into::into).collect::<Vec<String>>();
        for line in ["", "--listen 127.0.0.1:0", "--data x --log debug"] {
            assert!(serves(&options(line)), "{line}");
        }
        for line in ["--help", "--data x -h", "backup file", "verify", "--version"] {
            assert!(!serves(&options(line)), "{line}");
        }
        assert!(listens_elsewhere(&options("--listen=[::1]:9")) && listens_elsewhere(&options("--config x")));
        assert!(!listens_elsewhere(&options("--data x")));
    }
}

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
    say!("{}", terminal_words(&project.built(Profile::Quick, TERMINAL), find_program(TERMINAL).is_some()));
    become_program(Command::new(project.built(Profile::Quick, SERVER)).args(options))
}

/// How to reach the terminal client: the one that was installed, or the one that was just built.
fn terminal_words(built: &Path, installed: bool) -> String {
    if installed {
        return "to chat in another terminal: teahouse chat".into();
    }
    format!(
        "to chat in another terminal: {} chat\n\
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
        let words = terminal_words(Path::new("/home/阿明/tea house/target/quick/teahouse"), false);
        assert!(words.contains(": '/home/阿明/tea house/target/quick/teahouse' chat\n"), "{words}");
        assert!(words.contains("cargo xtask install"));
        let words = terminal_words(Path::new("/target/quick/teahouse"), false);
        assert!(words.contains(": /target/quick/teahouse chat\n"), "{words}");
        assert_eq!(terminal_words(Path::new("x"), true), "to chat in another terminal: teahouse chat");
    }
}

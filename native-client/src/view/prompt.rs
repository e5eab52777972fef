use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{
    CompletionType, Config, Context, Editor, ExternalPrinter, Helper, Highlighter, Hinter, Validator,
};
use teahouse_client_core::{Model, SlashCommand};
use tokio::sync::mpsc;
use unicode_width::UnicodeWidthStr;

use super::terminal::TerminalGuard;

/// How many lines typed ahead wait for the brain.
const TYPED_MAX: usize = 64;
/// How many typed lines the arrow keys go back.
const HISTORY_LINES_MAX: usize = 500;

/// What Tab may complete; kept up to date by the chat, read by the editor's thread.
#[derive(Debug, Default)]
struct Words {
    names: Vec<String>,
    rooms: Vec<String>,
}

/// A line editor at the bottom of the terminal, with a thread of its own, and a printer above it.
pub(crate) struct Prompt {
    lines: mpsc::Receiver<Typed>,
    printer: Box<dyn ExternalPrinter + Send>,
    words: Arc<Mutex<Words>>,
    _guard: TerminalGuard,
}

/// What came from the line editor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// A finished line.
    Line(String),
    /// Ctrl+D, or the terminal is gone.
    End,
    /// Ctrl+C.
    Interrupted,
}

impl Prompt {
    /// Starts editing. The thread ends with the program.
    pub(crate) fn start(prompt: String) -> anyhow::Result<Self> {
        let guard = TerminalGuard::new();
        let words = Arc::new(Mutex::new(Words::default()));
        let config = Config::builder()
            .completion_type(CompletionType::Circular)
            .max_history_size(HISTORY_LINES_MAX)?
            .auto_add_history(true)
            .bracketed_paste(true)
            .build();
        let history = MemHistory::with_config(&config);
        let mut editor = Editor::<TabCompletion, MemHistory>::with_history(config, history)?;
        editor.set_helper(Some(TabCompletion { words: Arc::clone(&words) }));
        let printer = Box::new(editor.create_external_printer()?);
        let (sender, lines) = mpsc::channel(TYPED_MAX);
        std::thread::Builder::new().name("prompt".into()).spawn(move || {
            loop {
                match editor.readline(&prompt) {
                    Ok(line) => {
                        let columns = editor.dimensions().map_or(80, |(columns, _)| usize::from(columns));
                        erase_typed(&prompt, &line, columns);
                        if sender.blocking_send(Typed::Line(line)).is_err() {
                            return;
                        }
                    }
                    Err(ReadlineError::Signal(_)) => {}
                    Err(error) => {
                        let interrupted = matches!(error, ReadlineError::Interrupted);
                        // Nobody listens any more when the program ends for another reason.
                        let _ =
                            sender.blocking_send(if interrupted { Typed::Interrupted } else { Typed::End });
                        return;
                    }
                }
            }
        })?;
        Ok(Self { lines, printer, words, _guard: guard })
    }

    /// What is typed next. Cancelling loses nothing.
    pub(crate) async fn next(&mut self) -> Typed {
        self.lines.recv().await.unwrap_or(Typed::End)
    }

    /// Prints above what is being typed.
    pub(crate) fn print(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.printer.print(format!("{text}\n"))?)
    }

    /// Tells Tab what there is.
    pub(crate) fn learn(&self, model: &Model) {
        let names = model
            .active()
            .and_then(|name| model.room(name))
            .map(|room| room.members().iter().map(|member| member.name.to_string()).collect());
        let rooms = model.rooms().map(|room| room.name().to_string()).collect();
        *self.words.lock().unwrap_or_else(PoisonError::into_inner) =
            Words { names: names.unwrap_or_default(), rooms };
    }
}

/// Takes the typed line off the screen: the message comes back from the server, in its place among the others.
fn erase_typed(prompt: &str, line: &str, columns: usize) {
    let width = UnicodeWidthStr::width(prompt) + UnicodeWidthStr::width(line);
    let rows = width / columns.max(1) + 1;
    let mut out = io::stdout().lock();
    let erased = write!(out, "\x1b[{rows}A\r\x1b[J").and_then(|()| out.flush());
    // A terminal that cannot be written to is noticed by the next print.
    drop(erased);
}

#[derive(Helper, Highlighter, Hinter, Validator)]
struct TabCompletion {
    words: Arc<Mutex<Words>>,
}

impl Completer for TabCompletion {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(completions(&line[..pos], &words))
    }
}

/// Where the word before the cursor begins, and what it may become: commands at the start of a line, rooms after
/// `/join` or `#`, names elsewhere, with a colon when they begin the line.
fn completions(line: &str, words: &Words) -> (usize, Vec<String>) {
    let start = line
        .rfind(char::is_whitespace)
        .map_or(0, |at| at + line[at..].chars().next().map_or(0, char::len_utf8));
    let word = &line[start..];
    let begins = |candidate: &str, typed: &str| candidate.to_lowercase().starts_with(&typed.to_lowercase());
    let candidates = if start == 0
        && let Some(typed) = word.strip_prefix('/')
    {
        let commands =
            SlashCommand::ALL.into_iter().map(SlashCommand::word).filter(|word| begins(word, typed));
        commands.map(|word| format!("/{word} ")).collect()
    } else if let Some(typed) = word.strip_prefix('#') {
        words.rooms.iter().filter(|room| begins(room, typed)).map(|room| format!("#{room}")).collect()
    } else if line[..start].trim_end() == "/join" {
        words.rooms.iter().filter(|room| begins(room, word)).cloned().collect()
    } else {
        let (at, typed) = match word.strip_prefix('@') {
            Some(typed) => ("@", typed),
            None => ("", word),
        };
        let after = if start == 0 && at.is_empty() { ": " } else { " " };
        let names = words.names.iter().filter(|name| !word.is_empty() && begins(name, typed));
        names.map(|name| format!("{at}{name}{after}")).collect()
    };
    (start, candidates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tab_completes_commands_rooms_and_names() {
        let words = Words {
            names: vec!["ana".into(), "Andy".into(), "小明".into()],
            rooms: vec!["lobby".into(), "茶馆".into()],
        };
        let check = |line: &str, start: usize, expected: &[&str]| {
            let (at, found) = completions(line, &words);
            assert_eq!(
                (at, found),
                (start, expected.iter().map(|word| (*word).to_owned()).collect()),
                "{line:?}"
            );
        };
        check("/j", 0, &["/join "]);
        check("/", 0, &["/join ", "/leave ", "/me ", "/name ", "/rooms ", "/who ", "/help "]);
        check("/join 茶", 6, &["茶馆"]);
        check("see #lo", 4, &["#lobby"]);
        check("an", 0, &["ana: ", "Andy: "]);
        check("hi @小", 3, &["@小明 "]);
        check("你好\u{3000}小", 9, &["小明 "]);
        check("", 0, &[]);
        check("x", 0, &[]);
    }
}

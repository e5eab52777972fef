use crossterm::event::Event;
use teahouse_client_core::Model;
use tokio::sync::mpsc;
use unicode_width::UnicodeWidthStr;

use super::completion::Words;
use super::editor::{Action, LineEditor};
use super::layout::Layout;
use super::terminal::RawTerminal;

/// How many keys wait for the brain.
const KEYS_AHEAD_MAX: usize = 64;

/// A line editor at the bottom of the terminal, and a printer above it.
pub(crate) struct Prompt {
    /// What stands before the line, from the longest form to the shortest.
    labels: Vec<String>,
    editor: LineEditor,
    /// The text that the program knows of.
    told: String,
    events: mpsc::Receiver<Event>,
    /// What stands on the screen below the printed lines.
    painted: Option<Layout>,
    terminal: RawTerminal,
}

/// What came from the line editor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// A finished line.
    Line(String),
    /// The line has become this.
    Draft(String),
    /// The line was given up.
    Abandoned,
    /// The word before the caret is to be completed: by the next completion, or by the one before.
    Complete { forward: bool },
    /// Older messages are wanted.
    Older,
    /// Ctrl+D, or the terminal is gone.
    End,
    /// Ctrl+C.
    Interrupted,
}

impl Prompt {
    /// Takes the terminal and starts editing.
    pub(crate) fn start(labels: Vec<String>) -> anyhow::Result<Self> {
        let terminal = RawTerminal::start()?;
        let (sender, events) = mpsc::channel(KEYS_AHEAD_MAX);
        // A thread of its own, which ends with the program: reading half a character waits for the other half.
        std::thread::Builder::new().name("keys".into()).spawn(move || {
            while let Ok(event) = crossterm::event::read() {
                if sender.blocking_send(event).is_err() {
                    return;
                }
            }
        })?;
        let (editor, told) = (LineEditor::default(), String::new());
        let mut this = Self { labels, editor, told, events, painted: None, terminal };
        this.paint("\r")?;
        Ok(this)
    }

    /// What is typed next. Cancelling loses nothing.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Typed> {
        loop {
            let Some(event) = self.events.recv().await else { return Ok(Typed::End) };
            let action = match event {
                Event::Key(key) => self.editor.press(key),
                Event::Paste(text) => self.editor.paste(&text),
                Event::Resize(..) => Action::Edited,
                Event::FocusGained | Event::FocusLost | Event::Mouse(_) => continue,
            };
            match action {
                Action::Edited => {
                    if let Some(text) = self.edited()? {
                        return Ok(Typed::Draft(text));
                    }
                }
                Action::Complete { forward } => return Ok(Typed::Complete { forward }),
                Action::Abandoned => {
                    self.paint("")?;
                    // What was there stays known as the draft until something else is typed.
                    self.told.clear();
                    return Ok(Typed::Abandoned);
                }
                Action::Older => return Ok(Typed::Older),
                Action::Refuse => self.terminal.write("\x07")?,
                // The line leaves the screen: the message comes back in its place among the others.
                Action::Finished(line) => {
                    self.told.clear();
                    self.paint("")?;
                    return Ok(Typed::Line(line));
                }
                Action::Clear => {
                    self.painted = None;
                    self.paint("\x1b[H\x1b[2J")?;
                }
                Action::Suspend => self.suspend()?,
                Action::End => return Ok(Typed::End),
                Action::Interrupt => return Ok(Typed::Interrupted),
            }
        }
    }

    /// Prints above what is being typed.
    pub(crate) fn print(&mut self, text: &str) -> anyhow::Result<()> {
        self.paint(&format!("{}\r\n", text.replace('\n', "\r\n")))
    }

    /// Says what stands before the line, from the longest form to the shortest.
    pub(crate) fn label(&mut self, labels: Vec<String>) -> anyhow::Result<()> {
        if self.labels == labels {
            return Ok(());
        }
        self.labels = labels;
        self.paint("")
    }

    /// Puts another text into the line.
    pub(crate) fn set(&mut self, text: &str) -> anyhow::Result<()> {
        self.editor.set(text);
        text.clone_into(&mut self.told);
        self.paint("")
    }

    /// Completes the word before the caret; the line's text if that changed it.
    pub(crate) fn complete(&mut self, model: &Model, forward: bool) -> anyhow::Result<Option<String>> {
        self.editor.complete(&Words::of_model(model), forward);
        self.edited()
    }

    /// Shows the line; its text if that is another one than the program knows of.
    fn edited(&mut self) -> anyhow::Result<Option<String>> {
        self.paint("")?;
        if self.editor.text() == self.told {
            return Ok(None);
        }
        self.editor.text().clone_into(&mut self.told);
        Ok(Some(self.told.clone()))
    }

    /// Replaces what stands on the screen by `above` and the line below it.
    fn paint(&mut self, above: &str) -> anyhow::Result<()> {
        let (columns, rows) = self.terminal.size();
        let erased = self.painted.take().map(|painted| painted.erased(columns)).unwrap_or_default();
        let label = fitting(&self.labels, columns);
        let line = Layout::new(label, self.editor.text(), self.editor.caret(), columns).window(rows);
        self.terminal.write(&format!("{erased}{above}{}", line.painted()))?;
        self.painted = Some(line);
        Ok(())
    }

    /// Takes the prompt off the screen; what was typed and not sent stays to be read.
    fn leave_line(&mut self) -> std::io::Result<()> {
        let Some(painted) = self.painted.take() else { return Ok(()) };
        let empty = self.editor.text().is_empty();
        let out = if empty { painted.erased(self.terminal.size().0) } else { painted.passed() };
        self.terminal.write(&out)
    }

    #[cfg(unix)]
    fn suspend(&mut self) -> anyhow::Result<()> {
        self.leave_line()?;
        self.terminal.suspend()?;
        self.paint("\r")
    }

    #[cfg(not(unix))]
    fn suspend(&mut self) -> anyhow::Result<()> {
        self.paint("")
    }
}

/// The first form that leaves half of the columns for the line; the last one if there is none.
fn fitting(labels: &[String], columns: usize) -> &str {
    let fits = |label: &&String| UnicodeWidthStr::width(label.as_str()) <= columns / 2;
    labels.iter().find(fits).or(labels.last()).map_or("", String::as_str)
}

impl Drop for Prompt {
    fn drop(&mut self) {
        // A terminal that is gone needs no order.
        let _ = self.leave_line();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_the_line_leaves_room_for_it() {
        let labels = ["#茶馆 小明> ", "小明> ", "> "].map(String::from);
        for (columns, expected) in
            [(80, "#茶馆 小明> "), (24, "#茶馆 小明> "), (23, "小明> "), (11, "> "), (2, "> ")]
        {
            assert_eq!(fitting(&labels, columns), expected, "{columns}");
        }
    }
}

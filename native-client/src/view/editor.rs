use std::collections::VecDeque;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation;

use super::completion::{Words, completions};

/// How many typed lines the arrow keys go back.
const HISTORY_LINES_MAX: usize = 500;
/// How much may be typed or pasted: several times what a message may have, so that the refusal comes with a reason.
const TEXT_BYTES_MAX: usize = 256 * 1024;

/// A line that is being typed, with the keys of readline. It knows nothing of the screen.
#[derive(Debug, Default)]
pub(crate) struct LineEditor {
    text: String,
    /// A byte position at the edge of a grapheme.
    caret: usize,
    history: VecDeque<String>,
    /// The line of the history that is shown, and what was being typed before.
    recalled: Option<(usize, String)>,
    /// What Ctrl+K, Ctrl+U, Ctrl+W and their like took away last.
    killed: String,
    completion: Option<Completion>,
}

/// Several completions that Tab goes round.
#[derive(Debug)]
struct Completion {
    start: usize,
    /// The last is what was typed.
    candidates: Vec<String>,
    at: usize,
}

/// What a key asks of the screen and of the chat.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Show the line, which may have changed.
    Edited,
    /// Complete the word before the caret: [`LineEditor::complete`].
    Complete {
        /// By the next completion, or by the one before.
        forward: bool,
    },
    /// The line is finished; another one begins.
    Finished(String),
    /// There is no room for that.
    Refuse,
    /// Clear the screen.
    Clear,
    /// Give the terminal back for a while.
    Suspend,
    /// Nothing more is to be typed.
    End,
    /// The line was cleared; the history has it.
    Abandoned,
    /// Show older messages.
    Older,
    /// The program is to end.
    Interrupt,
}

impl LineEditor {
    /// What has been typed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Where the caret stands in it, in bytes.
    pub(crate) fn caret(&self) -> usize {
        self.caret
    }

    /// Puts another text into the line.
    pub(crate) fn set(&mut self, text: &str) {
        text.clone_into(&mut self.text);
        self.caret = text.len();
        self.recalled = None;
        self.completion = None;
    }

    /// A key was pressed.
    pub(crate) fn press(&mut self, key: KeyEvent) -> Action {
        if key.kind == KeyEventKind::Release {
            return Action::Edited;
        }
        match key.code {
            KeyCode::Tab => return Action::Complete { forward: true },
            KeyCode::BackTab => return Action::Complete { forward: false },
            _ => self.completion = None,
        }
        // Where AltGr writes characters, terminals of Windows report both.
        let both = KeyModifiers::CONTROL | KeyModifiers::ALT;
        match key.code {
            KeyCode::Char(c) if key.modifiers.contains(both) => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::CONTROL) => return self.control(c),
            KeyCode::Char(c) if key.modifiers.contains(KeyModifiers::ALT) => self.meta(c),
            KeyCode::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            KeyCode::Enter if key.modifiers.contains(KeyModifiers::ALT) => self.insert("\n"),
            KeyCode::Enter => return self.finish(),
            KeyCode::PageUp => return Action::Older,
            KeyCode::Left if by_word(key) => self.caret = self.word_before(),
            KeyCode::Right if by_word(key) => self.caret = self.word_after(),
            KeyCode::Left => self.caret = self.before(),
            KeyCode::Right => self.caret = self.after(),
            KeyCode::Home => self.caret = 0,
            KeyCode::End => self.caret = self.text.len(),
            KeyCode::Up => self.recall_older(),
            KeyCode::Down => self.recall_newer(),
            KeyCode::Backspace if by_word(key) => self.kill(self.word_before(), self.caret),
            KeyCode::Backspace => self.erase(self.before(), self.caret),
            KeyCode::Delete => self.erase(self.caret, self.after()),
            _ => {}
        }
        Action::Edited
    }

    /// A text was pasted: its line feeds are part of the message.
    pub(crate) fn paste(&mut self, text: &str) -> Action {
        self.completion = None;
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        if self.text.len() + text.len() > TEXT_BYTES_MAX {
            return Action::Refuse;
        }
        self.insert(&text);
        Action::Edited
    }

    fn control(&mut self, key: char) -> Action {
        match key.to_ascii_lowercase() {
            'a' => self.caret = 0,
            'b' => self.caret = self.before(),
            'c' if self.text.is_empty() => return Action::Interrupt,
            'c' => {
                self.take();
                return Action::Abandoned;
            }
            'd' if self.text.is_empty() => return Action::End,
            'd' => self.erase(self.caret, self.after()),
            'e' => self.caret = self.text.len(),
            'f' => self.caret = self.after(),
            'h' => self.erase(self.before(), self.caret),
            'j' | 'm' => return self.finish(),
            'k' => self.kill(self.caret, self.text.len()),
            'l' => return Action::Clear,
            'n' => self.recall_newer(),
            'p' => self.recall_older(),
            't' => self.transpose(),
            'u' => self.kill(0, self.caret),
            'w' => self.kill(self.space_before(), self.caret),
            'y' => self.insert(&self.killed.clone()),
            'z' => return Action::Suspend,
            _ => {}
        }
        Action::Edited
    }

    fn meta(&mut self, key: char) {
        match key.to_ascii_lowercase() {
            'b' => self.caret = self.word_before(),
            'f' => self.caret = self.word_after(),
            'd' => self.kill(self.caret, self.word_after()),
            _ => {}
        }
    }

    fn insert(&mut self, text: &str) {
        if self.text.len() + text.len() <= TEXT_BYTES_MAX {
            self.text.insert_str(self.caret, text);
            self.caret += text.len();
            self.settle();
        }
    }

    fn erase(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.caret = from;
        self.settle();
    }

    fn kill(&mut self, from: usize, to: usize) {
        if from < to {
            self.killed = self.text[from..to].to_owned();
            self.erase(from, to);
        }
    }

    /// What was put in or taken out may have joined with its neighbours to one grapheme.
    fn settle(&mut self) {
        let inside = |(at, grapheme): &(usize, &str)| *at < self.caret && self.caret < at + grapheme.len();
        if let Some((at, grapheme)) = self.text.grapheme_indices(true).find(inside) {
            self.caret = at + grapheme.len();
        }
    }

    fn before(&self) -> usize {
        let text = &self.text[..self.caret];
        text.grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        self.caret + self.text[self.caret..].graphemes(true).next().map_or(0, str::len)
    }

    fn word_before(&self) -> usize {
        let text = &self.text[..self.caret];
        text.split_word_bound_indices().rev().find(|(_, word)| is_word(word)).map_or(0, |(at, _)| at)
    }

    fn word_after(&self) -> usize {
        let mut words = self.text[self.caret..].split_word_bound_indices();
        let found = words.find(|(_, word)| is_word(word));
        found.map_or(self.text.len(), |(at, word)| self.caret + at + word.len())
    }

    fn space_before(&self) -> usize {
        let text = self.text[..self.caret].trim_end();
        text.char_indices().rev().find(|(_, c)| c.is_whitespace()).map_or(0, |(at, c)| at + c.len_utf8())
    }

    fn transpose(&mut self) {
        // At the end of the line, the two before the caret.
        let middle = if self.caret == self.text.len() { self.before() } else { self.caret };
        let before = self.text[..middle].grapheme_indices(true).next_back().map_or(0, |(at, _)| at);
        let after = middle + self.text[middle..].graphemes(true).next().map_or(0, str::len);
        if before < middle && middle < after {
            let turned = format!("{}{}", &self.text[middle..after], &self.text[before..middle]);
            self.text.replace_range(before..after, &turned);
            self.caret = after;
            self.settle();
        }
    }

    fn finish(&mut self) -> Action {
        Action::Finished(self.take())
    }

    /// Empties the line, and remembers it.
    fn take(&mut self) -> String {
        let line = std::mem::take(&mut self.text);
        self.caret = 0;
        self.recalled = None;
        if !line.trim().is_empty() && self.history.back() != Some(&line) {
            self.history.push_back(line.clone());
            if self.history.len() > HISTORY_LINES_MAX {
                self.history.pop_front();
            }
        }
        line
    }

    fn recall_older(&mut self) {
        match &mut self.recalled {
            Some((0, _)) => return,
            Some((at, _)) => *at -= 1,
            None if self.history.is_empty() => return,
            None => self.recalled = Some((self.history.len() - 1, std::mem::take(&mut self.text))),
        }
        self.show_recalled();
    }

    fn recall_newer(&mut self) {
        let Some((at, typed)) = &mut self.recalled else { return };
        *at += 1;
        if *at == self.history.len() {
            self.text = std::mem::take(typed);
            self.caret = self.text.len();
            self.recalled = None;
        } else {
            self.show_recalled();
        }
    }

    fn show_recalled(&mut self) {
        if let Some((at, _)) = &self.recalled {
            self.text.clone_from(&self.history[*at]);
            self.caret = self.text.len();
        }
    }

    /// Goes round the completions of the word before the caret.
    pub(crate) fn complete(&mut self, words: &Words, forward: bool) {
        match &mut self.completion {
            Some(completion) => {
                let count = completion.candidates.len();
                completion.at = (completion.at + if forward { 1 } else { count - 1 }) % count;
            }
            None => {
                let (start, mut candidates) = completions(&self.text[..self.caret], words);
                match candidates.as_slice() {
                    [] => {}
                    [only] => {
                        self.text.replace_range(start..self.caret, only);
                        self.caret = start + only.len();
                        self.settle();
                    }
                    several => {
                        let at = if forward { 0 } else { several.len() - 1 };
                        candidates.push(self.text[start..self.caret].to_owned());
                        self.completion = Some(Completion { start, candidates, at });
                    }
                }
            }
        }
        if let Some(Completion { start, candidates, at }) = &self.completion {
            self.text.replace_range(*start..self.caret, &candidates[*at]);
            self.caret = start + candidates[*at].len();
        }
    }
}

fn by_word(key: KeyEvent) -> bool {
    key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
}

fn is_word(segment: &str) -> bool {
    segment.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests;

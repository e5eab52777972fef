//! What came out of a pipe or a socket so far.

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::watch;

use crate::wait::{DEADLINE, within};

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
}

/// Collects everything that a reader gives, in the background.
#[derive(Debug, Clone)]
pub struct Received {
    name: String,
    state: watch::Receiver<State>,
}

impl Received {
    /// Begins to read. `name` is for messages.
    pub fn from_reader(name: &str, mut reader: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let (sender, state) = watch::channel(State::default());
        tokio::spawn(async move {
            let mut chunk = vec![0; 64 * 1024];
            loop {
                // A reset ends a stream as well as an orderly close does.
                let count = reader.read(&mut chunk).await.unwrap_or(0);
                sender.send_modify(|state| {
                    state.bytes.extend_from_slice(&chunk[..count]);
                    state.ended |= count == 0;
                });
                if count == 0 {
                    return;
                }
            }
        });
        Self { name: name.to_owned(), state }
    }

    /// Everything so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.state.borrow().bytes).into_owned()
    }

    /// The complete lines so far.
    pub fn lines(&self) -> Vec<String> {
        complete_lines(&self.text()).map(Into::into).collect()
    }

    /// Waits until `pick` finds something in everything that came so far.
    pub async fn until<T>(&self, what: &str, mut pick: impl FnMut(&str) -> Option<T>) -> T {
        let mut found = None;
        let mut state = self.state.clone();
        let search = state.wait_for(|state| {
            found = pick(&String::from_utf8_lossy(&state.bytes));
            found.is_some() || state.ended
        });
        let in_time = tokio::time::timeout(DEADLINE, search).await.is_ok();
        match found {
            Some(found) => found,
            None => {
                let why = if in_time { "which ended" } else { "for which the story waited long enough" };
                panic!("no {what} in {}, {why} and said:\n{}", self.name, self.text());
            }
        }
    }

    /// Waits for a complete line that fits.
    pub async fn line(&self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        self.until(what, |text| complete_lines(text).find(|line| fits(line)).map(Into::into)).await
    }

    /// Waits until so many complete lines fit, and gives them.
    pub async fn count(&self, count: usize, what: &str, fits: impl Fn(&str) -> bool) -> Vec<String> {
        self.until(&format!("{count} × {what}"), |text| {
            let lines: Vec<String> = complete_lines(text).filter(|line| fits(line)).map(Into::into).collect();
            (lines.len() >= count).then_some(lines)
        })
        .await
    }

    /// Waits for the end, and gives everything.
    pub async fn end(&self) -> String {
        let mut state = self.state.clone();
        let ended = within(&format!("the end of {}", self.name), state.wait_for(|state| state.ended)).await;
        assert!(ended.is_ok(), "{} went away without an end", self.name);
        self.text()
    }

    /// Whether the end has come.
    pub fn has_ended(&self) -> bool {
        self.state.borrow().ended
    }
}

/// The lines that have their ending, without it.
fn complete_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_whole_lines_count() {
        let received = Received::from_reader("a text", &b"one\r\ntwo\nthr"[..]);
        assert_eq!(received.end().await, "one\r\ntwo\nthr");
        assert_eq!(received.lines(), ["one", "two"]);
        assert_eq!(received.line("two", |line| line.starts_with("tw")).await, "two");
    }
}

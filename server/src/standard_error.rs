//! What the server says on standard error. A thread writes it, so that nobody who says something waits for whoever reads
//! it, and what cannot be written is dropped and counted: a terminal that is closed, a pipe that nobody reads, a full disk.

use std::collections::VecDeque;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// So many bytes of lines wait to be written; a further line is dropped.
const WAITING_BYTES_MAX: usize = 256 * 1024;
/// How long the program's end waits for lines that nobody takes.
const FLUSH_WITHIN: Duration = Duration::from_secs(1);
/// A descriptor that takes nothing at the moment is tried again so often.
const RETRY_EVERY: Duration = Duration::from_millis(20);

/// Where lines for standard error go. Never fails and never waits. Clones share the queue.
#[derive(Debug, Clone)]
pub struct StandardError {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<Box<[u8]>>,
    /// The bytes of `lines`, and of the line that is being written.
    bytes: usize,
    /// How many lines were lost since the last one that was written.
    dropped: u64,
}

impl StandardError {
    /// Starts the thread.
    pub fn start() -> Self {
        // A descriptor of its own: the lock of `io::stderr` would make everybody wait behind a blocked line.
        match own_descriptor() {
            Ok(file) => Self::start_with(file),
            Err(_) => Self::start_with(io::stderr()),
        }
    }

    fn start_with(out: impl Write + Send + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let run = Arc::clone(&shared);
        // Without a thread everything is dropped, which is better than no server.
        let _ = thread::Builder::new().name("stderr".into()).spawn(move || run.write_to(out));
        Self { shared }
    }

    /// Says one line.
    pub fn say(&self, line: impl Display) {
        self.shared.push(format!("{line}\n").into_bytes());
    }

    /// Waits until everything is written, and no longer than a second.
    pub fn flush(&self) {
        let queue = self.shared.lock();
        let waits = |queue: &mut Queue| queue.bytes > 0;
        // What is not written by then nobody reads.
        let _ = self.shared.changed.wait_timeout_while(queue, FLUSH_WITHIN, waits);
    }

    /// From now on a panic is reported here.
    pub fn report_panics(&self) {
        let this = self.clone();
        std::panic::set_hook(Box::new(move |panic| {
            let thread = thread::current();
            let name = thread.name().unwrap_or("without a name");
            this.say(format_args!("thread {name} {panic}\n{}", std::backtrace::Backtrace::capture()));
            // The program may be about to end.
            this.flush();
        }));
    }
}

/// A whole line at a time, as `tracing_subscriber::fmt` writes them.
impl Write for StandardError {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.shared.push(line.to_vec());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for StandardError {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: Vec<u8>) {
        let mut queue = self.lock();
        if queue.bytes + line.len() > WAITING_BYTES_MAX {
            queue.dropped += 1;
        } else {
            queue.bytes += line.len();
            queue.lines.push_back(line.into());
            self.changed.notify_all();
        }
    }

    /// Waits for a line, and takes it with the number of those that were lost before it.
    fn next(&self) -> (Box<[u8]>, u64) {
        let queue = self.lock();
        let mut queue = self
            .changed
            .wait_while(queue, |queue| queue.lines.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        let line = queue.lines.pop_front().unwrap_or_default();
        (line, std::mem::take(&mut queue.dropped))
    }

    fn done(&self, length: usize, dropped: u64) {
        let mut queue = self.lock();
        queue.bytes -= length;
        queue.dropped += dropped;
        self.changed.notify_all();
    }

    fn write_to(&self, mut out: impl Write) {
        // Whether the last line that went out has no end.
        let mut cut = false;
        loop {
            let (line, dropped) = self.next();
            let mut bytes = if cut { b"\n".to_vec() } else { Vec::new() };
            if dropped > 0 {
                bytes.extend(lost(dropped).into_bytes());
            }
            bytes.extend(&line);
            let written = write(&mut out, &bytes);
            if let Some(last) = written.checked_sub(1) {
                cut = bytes[last] != b'\n';
            }
            let lost = if written == bytes.len() { 0 } else { dropped + 1 };
            self.done(line.len(), lost);
        }
    }
}

/// In the form of the other lines.
fn lost(lines: u64) -> String {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ");
    let lines = if lines == 1 { "one line".into() } else { format!("{lines} lines") };
    format!("{now}  WARN {lines} of this log could not be written\n")
}

/// Writes as much as goes, and says how much that is.
fn write(out: &mut impl Write, bytes: &[u8]) -> usize {
    let mut written = 0;
    while written < bytes.len() {
        match out.write(&bytes[written..]) {
            Ok(0) => break,
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY_EVERY),
            Err(_) => break,
        }
    }
    written
}

fn own_descriptor() -> io::Result<File> {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        Ok(io::stderr().as_fd().try_clone_to_owned()?.into())
    }
    #[cfg(windows)]
    {
        use std::os::windows::io::AsHandle;
        Ok(io::stderr().as_handle().try_clone_to_owned()?.into())
    }
    #[cfg(not(any(unix, windows)))]
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// What came out, and what becomes of each write.
    struct Out {
        said: mpsc::Sender<String>,
        fates: VecDeque<Fate>,
    }

    enum Fate {
        Works,
        Fails,
        /// Takes so many bytes, and fails then.
        Cut(usize),
        /// Waits until the other end is dropped.
        Blocks(mpsc::Receiver<()>),
    }

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = match self.fates.pop_front() {
                None | Some(Fate::Works) => bytes.len(),
                Some(Fate::Fails) => return Err(io::ErrorKind::StorageFull.into()),
                Some(Fate::Cut(bytes)) => {
                    self.fates.push_front(Fate::Fails);
                    bytes
                }
                Some(Fate::Blocks(gate)) => {
                    let _ = gate.recv();
                    bytes.len()
                }
            };
            self.said.send(String::from_utf8_lossy(&bytes[..taken]).into_owned()).expect("it is read");
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn out(fates: impl IntoIterator<Item = Fate>) -> (StandardError, mpsc::Receiver<String>) {
        let (said, heard) = mpsc::channel();
        (StandardError::start_with(Out { said, fates: fates.into_iter().collect() }), heard)
    }

    fn lines(heard: &mpsc::Receiver<String>) -> Vec<String> {
        let said = heard.recv().expect("something is written");
        said.lines().map(|line| line.split_once("  WARN ").map_or(line, |(_, words)| words).into()).collect()
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_in_the_next_that_can() {
        let (log, heard) = out([Fate::Works, Fate::Fails, Fate::Fails, Fate::Works, Fate::Fails]);
        for line in ["one", "two", "three", "four", "five", "six"] {
            log.say(line);
        }
        assert_eq!(lines(&heard), ["one"]);
        assert_eq!(lines(&heard), ["2 lines of this log could not be written", "four"]);
        assert_eq!(lines(&heard), ["one line of this log could not be written", "six"]);
    }

    #[test]
    fn a_line_that_was_cut_is_ended_before_the_next() {
        let (log, heard) = out([Fate::Cut(3)]);
        log.say("one and two");
        log.say("three");
        assert_eq!(heard.recv().expect("the beginning"), "one");
        assert_eq!(lines(&heard), ["", "one line of this log could not be written", "three"]);
    }

    #[test]
    fn who_says_something_waits_for_nobody_and_nothing_grows() {
        let (gate, blocked) = mpsc::channel();
        let (log, heard) = out([Fate::Blocks(blocked)]);
        let line = "x".repeat(999);
        for _ in 0..10 * WAITING_BYTES_MAX / 1_000 {
            log.say(&line);
        }
        assert!(log.shared.lock().bytes <= WAITING_BYTES_MAX);
        drop(gate);
        log.flush();
        let taken = WAITING_BYTES_MAX / 1_000;
        log.say("the end");
        log.flush();
        let said: Vec<String> = heard.try_iter().collect();
        assert_eq!(said.concat().matches(&line).count(), taken);
        let lost = 10 * WAITING_BYTES_MAX / 1_000 - taken;
        assert!(said.concat().contains(&format!("{lost} lines of this log could not be written")));
        assert!(said.concat().ends_with("the end\n"));
    }
}

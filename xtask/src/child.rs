//! Programs that this one runs.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::panics::Panics;
use crate::screen::say;
use crate::steps::{Count, Progress};

/// After the end of a program, what it started may keep its output open. It is read so long, then left alone.
const LAST_WORDS_MAX: Duration = Duration::from_secs(2);

/// Words with which cargo says what it is at.
const CARGO_AT_WORK: &[&str] = &[
    "Adding",
    "Building",
    "Checking",
    "Compiling",
    "Downloaded",
    "Downloading",
    "Finished",
    "Fresh",
    "Ignored",
    "Installed",
    "Installing",
    "Locking",
    "Removed",
    "Removing",
    "Replaced",
    "Replacing",
    "Updating",
];

/// The cargo that runs this program.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a program whose output belongs on the screen.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    run(command, &Panics::default())
}

/// Runs tests. Where the output goes into a pipe, why they failed is said again at its end.
pub(crate) fn succeed_in_tests(command: &mut Command) -> Result<()> {
    let panics = Panics::default();
    let done = run(command, &panics);
    if done.is_err() {
        for line in panics.lines() {
            say!("{line}");
        }
    }
    done
}

fn run(command: &mut Command, panics: &Panics) -> Result<()> {
    command.stdin(Stdio::null());
    // Whoever reads a pipe may go away. The program writes to us instead, who go on reading, and does not notice.
    let (out, err) = (is_pipe(1), is_pipe(2));
    if out && err && same_pipe() {
        let (reader, writer) = io::pipe()?;
        command.stdout(writer.try_clone()?).stderr(writer);
        let child = start(command)?;
        // Ours ends with the command, which holds the writers.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let listener = panics.listen(io::stderr());
        return ended(command, relayed(child, vec![Box::new(move || relay(reader, listener))])?);
    }
    if out {
        command.stdout(Stdio::piped());
    }
    if err {
        command.stderr(Stdio::piped());
    }
    let mut child = start(command)?;
    let mut relays: Vec<Relay> = Vec::new();
    if let Some(out) = child.stdout.take() {
        let listener = panics.listen(io::stdout());
        relays.push(Box::new(move || relay(out, listener)));
    }
    if let Some(err) = child.stderr.take() {
        let listener = panics.listen(io::stderr());
        relays.push(Box::new(move || relay(err, listener)));
    }
    ended(command, relayed(child, relays)?)
}

/// Runs a cargo, or a program that runs one, beside others: its progress is counted and its complaints are shown.
pub(crate) fn watch(command: &mut Command, progress: &Progress<'_>) -> Result<()> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("CARGO_TERM_COLOR", "never")
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "100");
    let mut child = start(command)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    std::thread::scope(|scope| {
        if let Some(out) = out {
            scope.spawn(|| pieces(out, |piece| hear(piece, progress)));
        }
        if let Some(err) = err {
            pieces(err, |piece| hear(piece, progress));
        }
    });
    ended(command, child.wait()?)
}

/// Runs a program and takes what it prints.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| cannot_start(command))?;
    ended(command, output.status)?;
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed no UTF-8", shown(command)))
}

/// Becomes the program: it takes the place of this one, and with it the terminal, the signals and the exit code.
#[cfg(unix)]
pub(crate) fn become_program(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;

    Err(command.exec()).with_context(|| cannot_start(command))
}

/// Without exec the terminal still sends its Ctrl+C to both.
#[cfg(not(unix))]
pub(crate) fn become_program(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| cannot_start(command))?;
    std::process::exit(status.code().unwrap_or(1));
}

/// Where a program lies, as the shell would find it.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
        .find(|candidate| candidate.is_file())
}

fn start(command: &mut Command) -> Result<Child> {
    command.spawn().with_context(|| cannot_start(command))
}

fn ended(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{}` ended with {status}", shown(command));
    }
    Ok(())
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", command.get_program().display())
}

/// The program's name and its arguments, to be read by people.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_stem().unwrap_or(program.as_os_str());
    std::iter::once(name).chain(command.get_args()).map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

type Relay = Box<dyn FnOnce() + Send>;

/// Waits for the program's end while its output is passed on.
fn relayed(mut child: Child, relays: Vec<Relay>) -> Result<ExitStatus> {
    let (ended, ends) = mpsc::channel();
    let count = relays.len();
    for relay in relays {
        let ended = ended.clone();
        std::thread::spawn(move || {
            relay();
            // Nobody waits any more when the program left others behind.
            let _ = ended.send(());
        });
    }
    let status = child.wait()?;
    for _ in 0..count {
        if ends.recv_timeout(LAST_WORDS_MAX).is_err() {
            break;
        }
    }
    Ok(status)
}

/// Passes everything on, and goes on reading when nobody takes it any more.
fn relay(mut from: impl Read, mut to: impl Write) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count) = from.read(&mut bytes)
        && count > 0
    {
        let _: io::Result<()> = to.write_all(&bytes[..count]).and_then(|()| to.flush());
    }
}

/// What a program prints, cut where its line ends or begins again.
fn pieces(mut from: impl Read, mut take: impl FnMut(&str)) {
    let mut bytes = vec![0; 64 * 1024];
    let mut rest: Vec<u8> = Vec::new();
    while let Ok(count) = from.read(&mut bytes)
        && count > 0
    {
        for byte in &bytes[..count] {
            match byte {
                b'\n' | b'\r' => take(&String::from_utf8_lossy(&std::mem::take(&mut rest))),
                _ => rest.push(*byte),
            }
        }
    }
    take(&String::from_utf8_lossy(&rest));
}

/// What one piece of output is for.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Progress(Count),
    AtWork,
    Words(&'a str),
}

fn hear(piece: &str, progress: &Progress<'_>) {
    let plain = without_escapes(piece);
    match Piece::read(&plain) {
        Piece::Progress(count) => progress.at(count),
        Piece::AtWork => {}
        Piece::Words(words) => say!("{words}"),
    }
}

impl<'a> Piece<'a> {
    fn read(piece: &'a str) -> Self {
        let words = piece.trim();
        // cargo sets its words flush right in twelve columns; messages of the compiler begin at the left.
        let at_work = |word: &&str| words.strip_prefix(*word).is_some_and(|rest| rest.starts_with(' '));
        if let Some(count) = counted(words) {
            Self::Progress(count)
        } else if words.is_empty()
            || is_bar(words)
            // Where two go side by side one waits for the other now and then.
            || words == "Blocking waiting for file lock on package cache"
            || (piece.starts_with(' ') && CARGO_AT_WORK.iter().any(at_work))
        {
            Self::AtWork
        } else {
            Self::Words(piece.trim_end())
        }
    }
}

/// The numbers in `Building [=====>  ] 12/345: …`.
fn counted(words: &str) -> Option<Count> {
    let (_, numbers) = words.strip_prefix("Building [")?.split_once("] ")?;
    let (done, of) = numbers.split(':').next()?.split_once('/')?;
    Some(Count { done: done.trim().parse().ok()?, of: of.trim().parse().ok()? })
}

/// `Fetch [=====>  ] …`
fn is_bar(words: &str) -> bool {
    let inside = words.split_once(" [").and_then(|(_, rest)| rest.split_once(']')).map(|(inside, _)| inside);
    inside.is_some_and(|inside| !inside.is_empty() && inside.chars().all(|c| "=> ".contains(c)))
}

/// A text without what colours it.
fn without_escapes(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |end| end + 1);
        plain.push_str(&part[end..]);
    }
    plain
}

/// Whether one of our own streams is a pipe, or a socket in its place.
#[cfg(unix)]
fn is_pipe(stream: u32) -> bool {
    use std::os::unix::fs::FileTypeExt as _;

    std::fs::metadata(format!("/dev/fd/{stream}"))
        .is_ok_and(|stream| stream.file_type().is_fifo() || stream.file_type().is_socket())
}

#[cfg(not(unix))]
fn is_pipe(_stream: u32) -> bool {
    false
}

/// Whether both of our streams go to one reader, as with `2>&1`.
#[cfg(unix)]
fn same_pipe() -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let id = |stream| std::fs::metadata(format!("/dev/fd/{stream}")).map(|file| (file.dev(), file.ino()));
    matches!((id(1), id(2)), (Ok(out), Ok(err)) if out == err)
}

#[cfg(not(unix))]
fn same_pipe() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_counted_and_only_complaints_are_shown() {
        for (piece, expected) in [
            (
                "    Building [=====>        ] 12/345: syn, serde",
                Piece::Progress(Count { done: 12, of: 345 }),
            ),
            ("    Building [ ] 1/2", Piece::Progress(Count { done: 1, of: 2 })),
            ("   Compiling syn v2.0.1", Piece::AtWork),
            ("    Finished `dev` profile [unoptimized] target(s) in 3m 55s", Piece::AtWork),
            ("", Piece::AtWork),
            ("    Blocking waiting for file lock on package cache", Piece::AtWork),
            ("       Fetch [=============================>   ] 406 complete; 1 pending", Piece::AtWork),
            ("   = note: the slice [a] = b", Piece::Words("   = note: the slice [a] = b")),
            (
                "    Blocking waiting for file lock on build directory",
                Piece::Words("    Blocking waiting for file lock on build directory"),
            ),
            ("error: could not compile `x`", Piece::Words("error: could not compile `x`")),
            ("Compiling is what failed", Piece::Words("Compiling is what failed")),
            ("  --> src/main.rs:1:1", Piece::Words("  --> src/main.rs:1:1")),
        ] {
            assert_eq!(Piece::read(piece), expected, "{piece}");
        }
    }

    #[test]
    fn colours_are_taken_off() {
        assert_eq!(without_escapes("\x1b[1m\x1b[32m   Compiling\x1b[0m syn"), "   Compiling syn");
        assert_eq!(without_escapes("plain"), "plain");
        assert_eq!(without_escapes("cut \x1b["), "cut ");
    }

    #[test]
    fn lines_and_bars_are_pieces_wherever_the_reads_end() {
        let mut found = Vec::new();
        pieces("茶\rbar 1/2\r\nlast".as_bytes(), |piece| found.push(piece.to_owned()));
        assert_eq!(found, ["茶", "bar 1/2", "", "last"]);
    }

    #[test]
    fn output_is_read_on_when_nobody_takes_it() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut from = io::Cursor::new(vec![b'x'; 300_000]);
        relay(&mut from, writer);
        assert_eq!(from.position(), 300_000);
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_leaves_another_behind_is_not_waited_for_twice() {
        let (reader, writer) = io::pipe().unwrap();
        let mut held = io::pipe().unwrap();
        // What it starts reads from us, and so lives until this test is over.
        let mut command = Command::new("sh");
        command.args(["-c", "exec 5<&0; cat <&5 & exit 3"]).stdin(held.0).stdout(writer);
        let child = start(&mut command).unwrap();
        drop(command);
        let status = relayed(child, vec![Box::new(move || relay(reader, io::sink()))]).unwrap();
        assert_eq!(status.code(), Some(3));
        held.1.write_all(b"over").unwrap();
    }
}

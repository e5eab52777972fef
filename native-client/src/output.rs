use std::fmt::Display;
use std::io::{self, Write};

/// Says a line on standard error. Where nobody can hear it there is nobody to tell that.
pub(crate) fn complain(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "teahouse: {line}");
}

/// Prints a text, all of it now.
pub(crate) fn print(text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Waits until nobody reads standard output any more, as in `teahouse tail | head`. A file has no reader to lose.
pub(crate) async fn reader_gone() {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        // A duplicate: closing it leaves standard output open.
        if let Ok(output) = std::io::stdout().as_fd().try_clone_to_owned()
            && watch(output).await.is_ok()
        {
            return;
        }
    }
    std::future::pending().await
}

/// Tells of the end of whoever reads this; drops the sender when that cannot be found out. Polled by a thread of its
/// own, which ends with the program: the event loop takes no descriptor that may be a file.
#[cfg(unix)]
fn watch(output: std::os::fd::OwnedFd) -> tokio::sync::oneshot::Receiver<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    let (sender, gone) = tokio::sync::oneshot::channel();
    let wait = move || {
        let ended = PollFlags::ERR | PollFlags::HUP;
        loop {
            let mut polled = [PollFd::new(&output, PollFlags::empty())];
            match poll(&mut polled, None) {
                Ok(_) if polled[0].revents().intersects(ended) => break,
                Ok(_) if polled[0].revents().is_empty() => {}
                Err(rustix::io::Errno::INTR) => {}
                Ok(_) | Err(_) => return,
            }
        }
        // Nobody waits any more when the program ends.
        let _ = sender.send(());
    };
    // Without a thread the next write finds out.
    let _ = std::thread::Builder::new().name("output".into()).spawn(wait);
    gone
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::fd::OwnedFd;

    use super::watch;

    #[tokio::test]
    async fn a_pipe_tells_when_its_reader_is_gone() {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut gone = watch(OwnedFd::from(writer));
        assert!(gone.try_recv().is_err(), "it is still there");
        drop(reader);
        gone.await.expect("it is gone");
    }
}

use anyhow::Context;
use teahouse_protocol::LineFramer;
use teahouse_protocol::limits::FRAME_BYTES_MAX;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

/// How many lines are read ahead of the brain.
const LINES_AHEAD_MAX: usize = 16;
/// How many bytes are read at a time.
const READ_BYTES: usize = 16 * 1024;

/// Standard input that is no terminal, line by line.
pub(crate) struct InputLines {
    lines: mpsc::Receiver<anyhow::Result<String>>,
}

impl InputLines {
    /// Begins to read.
    pub(crate) fn start() -> Self {
        let (sender, lines) = mpsc::channel(LINES_AHEAD_MAX);
        tokio::spawn(async move {
            if let Err(error) = read_lines(&sender).await {
                // Nobody listens any more when the program ends.
                let _ = sender.send(Err(error)).await;
            }
        });
        Self { lines }
    }

    /// The next line; `None` at the end. Cancelling loses nothing.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Option<String>> {
        self.lines.recv().await.transpose()
    }
}

async fn read_lines(lines: &mpsc::Sender<anyhow::Result<String>>) -> anyhow::Result<()> {
    let mut input = tokio::io::stdin();
    let mut framer = LineFramer::default();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let length = input.read(&mut buffer).await.context("cannot read standard input")?;
        let mut bytes = &buffer[..length];
        while let Some(line) = framer.next_line(&mut bytes).context("standard input")? {
            lines.send(Ok(String::from_utf8_lossy(&line).into_owned())).await?;
        }
        if length == 0 {
            let rest = framer.take_partial();
            if !rest.is_empty() {
                lines.send(Ok(String::from_utf8_lossy(&rest).into_owned())).await?;
            }
            return Ok(());
        }
    }
}

/// All of standard input as one text, as far as a message could hold it.
pub(crate) async fn whole_input() -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let limit = FRAME_BYTES_MAX as u64;
    tokio::io::stdin().take(limit).read_to_end(&mut bytes).await.context("cannot read standard input")?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

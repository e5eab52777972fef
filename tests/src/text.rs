//! Plain text: a bare TCP connection, and a real `nc`.

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::process::Command;

use crate::process::Process;
use crate::received::Received;
use crate::server::Server;
use crate::wait::within;

/// A bare TCP connection that collects what it hears.
#[derive(Debug)]
pub struct Text {
    writer: OwnedWriteHalf,
    /// Everything that the server said.
    pub received: Received,
}

impl Text {
    /// Connects and says nothing.
    pub async fn connect(server: &Server) -> Self {
        let stream =
            within("a connection", TcpStream::connect(server.address())).await.expect("the server accepts");
        Self::over(stream)
    }

    /// Takes a connection that exists.
    pub fn over(stream: TcpStream) -> Self {
        let (reader, writer) = stream.into_split();
        Self { writer, received: Received::from_reader("a bare connection", reader) }
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.expect("the server reads");
    }

    /// Sends bytes to a server that may have closed already.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        within("the server to read", self.writer.write_all(bytes.as_ref())).await
    }

    /// Says that nothing more will come.
    pub async fn finish(&mut self) {
        self.writer.shutdown().await.expect("a connection can be half closed");
    }
}

/// A person with `nc`, connected and silent.
pub fn nc(server: &Server) -> Process {
    let address = server.address();
    Process::spawn("nc", Command::new("nc").arg(address.ip().to_string()).arg(address.port().to_string()))
}

/// Author and text of a line such as `12:03 ana: 你好`; `None` for lines that are no post.
pub fn post_in_line(line: &str) -> Option<(String, String)> {
    let (time, rest) = line.split_once(' ')?;
    let bytes = time.as_bytes();
    let is_time = bytes.len() == 5
        && bytes[2] == b':'
        && [0, 1, 3, 4].iter().all(|&at: &usize| bytes[at].is_ascii_digit());
    let (by, text) = rest.split_once(": ")?;
    (is_time && !by.contains(' ')).then(|| (by.to_owned(), text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_posts_have_time_and_author() {
        let post = |by: &str, text: &str| Some((by.to_owned(), text.to_owned()));
        assert_eq!(post_in_line("12:03 ana: 你好: 世界"), post("ana", "你好: 世界"));
        assert_eq!(post_in_line("12:03 ana joined"), None);
        assert_eq!(post_in_line("Commands: /name"), None);
        assert_eq!(post_in_line("茶:馆 ana: x"), None);
    }
}

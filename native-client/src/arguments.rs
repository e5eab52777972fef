use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use teahouse_client_core::FOLLOW_LAST_MAX;
use teahouse_protocol::{MemberName, RoomName, Seq};

use crate::address::Address;
use crate::exit::EXIT_HELP;

/// Chat in a teahouse from a terminal, and write and read its rooms from scripts.
#[derive(Debug, Parser)]
#[command(name = "teahouse", version, after_help = EXIT_HELP, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) task: Task,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    /// Chat, one line at a time. `/help` inside lists the commands.
    ///
    /// When standard input is not a terminal, each of its lines is posted, and the program ends when the server has
    /// acknowledged them all.
    #[command(after_help = EXIT_HELP)]
    Chat(ChatOptions),
    /// Post one message, and end when the server has acknowledged it.
    #[command(after_help = EXIT_HELP)]
    Send(SendOptions),
    /// Print a room's last messages and what follows, each once and in order, without joining it.
    #[command(after_help = EXIT_HELP)]
    Tail(TailOptions),
}

#[derive(Debug, Args)]
pub(crate) struct ChatOptions {
    /// The server: HOST, HOST:PORT, [IPV6]:PORT or ws://HOST:PORT/ws. Without it: --server, or 127.0.0.1:2023.
    #[arg(value_name = "HOST[:PORT]", conflicts_with = "server")]
    pub(crate) host: Option<Address>,
    #[command(flatten)]
    pub(crate) server: ServerOption,
    /// What to be called.
    #[arg(long, env = "TEAHOUSE_NAME", value_name = "NAME")]
    pub(crate) name: Option<MemberName>,
    /// The room to open.
    #[arg(long, default_value = "lobby", value_name = "ROOM")]
    pub(crate) room: RoomName,
    /// Make the room when there is none of that name.
    #[arg(long)]
    pub(crate) create: bool,
    #[command(flatten)]
    pub(crate) color: ColorOption,
    #[command(flatten)]
    pub(crate) state: StateOption,
}

#[derive(Debug, Args)]
pub(crate) struct SendOptions {
    #[command(flatten)]
    pub(crate) server: ServerOption,
    /// What to be called. Without it the server finds a guest's name for this message.
    #[arg(long, env = "TEAHOUSE_NAME", value_name = "NAME")]
    pub(crate) name: Option<MemberName>,
    /// The room to post to.
    #[arg(long, default_value = "lobby", value_name = "ROOM")]
    pub(crate) room: RoomName,
    /// Make the room when there is none of that name.
    #[arg(long)]
    pub(crate) create: bool,
    /// Post each line of standard input as a message of its own, instead of all of it as one.
    #[arg(long, conflicts_with = "text")]
    pub(crate) lines: bool,
    /// Give up when the server has not acknowledged within so many seconds.
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) state: StateOption,
    /// What to say; several words are joined by spaces. Without it standard input is read.
    #[arg(value_name = "TEXT")]
    pub(crate) text: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TailOptions {
    /// The server: HOST, HOST:PORT, [IPV6]:PORT or ws://HOST:PORT/ws. Without it: --server, or 127.0.0.1:2023.
    #[arg(value_name = "HOST[:PORT]", conflicts_with = "server")]
    pub(crate) host: Option<Address>,
    #[command(flatten)]
    pub(crate) server: ServerOption,
    /// The room to read.
    #[arg(long, default_value = "lobby", value_name = "ROOM")]
    pub(crate) room: RoomName,
    /// Print each event as the JSON object that the server sends, one to a line.
    #[arg(long)]
    pub(crate) json: bool,
    /// Begin after this event instead of with the last ones.
    #[arg(long, value_name = "SEQ", value_parser = parse_seq, conflicts_with = "last")]
    pub(crate) since: Option<Seq>,
    /// How many of the last events to begin with.
    #[arg(short = 'n', long, default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=i64::from(FOLLOW_LAST_MAX)))]
    pub(crate) last: u32,
    /// End after what is there now. Gives up when the server cannot be reached within ten seconds.
    #[arg(long)]
    pub(crate) no_follow: bool,
    #[command(flatten)]
    pub(crate) color: ColorOption,
}

#[derive(Debug, Args)]
pub(crate) struct ServerOption {
    /// The server: HOST, HOST:PORT, [IPV6]:PORT or ws://HOST:PORT/ws.
    #[arg(long, env = "TEAHOUSE_SERVER", value_name = "HOST[:PORT]", default_value = "127.0.0.1:2023")]
    pub(crate) server: Address,
}

#[derive(Debug, Args)]
pub(crate) struct StateOption {
    /// Where to keep token, unsent messages and drafts, one file for each server and name.
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ColorOption {
    /// Whether to colour. `auto` colours on a terminal, unless NO_COLOR is set.
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub(crate) color: ColorChoice,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    Auto,
    Always,
    Never,
}

fn parse_seq(text: &str) -> Result<Seq, String> {
    let number = text.parse().map_err(|_| "must be a whole number".to_owned())?;
    Seq::new(number).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Task, clap::error::ErrorKind> {
        let words = std::iter::once("teahouse").chain(line.split_whitespace());
        Arguments::try_parse_from(words).map(|arguments| arguments.task).map_err(|error| error.kind())
    }

    #[test]
    fn clap_finds_no_contradiction() {
        <Arguments as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn send_takes_words_and_no_host() {
        let Ok(Task::Send(options)) = parse("send --room 茶馆 --server tea.example:99 你好 世界")
        else {
            panic!("legal arguments")
        };
        assert_eq!(options.text, ["你好", "世界"]);
        assert_eq!(options.server.server.to_string(), "tea.example:99");
        assert_eq!(options.room.as_str(), "茶馆");
        let Ok(Task::Send(options)) = parse("send -- --room") else { panic!("legal arguments") };
        assert_eq!(options.text, ["--room"]);
        assert!(parse("send --lines word").is_err());
        assert!(parse("send --timeout 0 word").is_err());
    }

    #[test]
    fn chat_and_tail_take_the_host_in_either_way() {
        let Ok(Task::Chat(options)) = parse("chat tea.example --name ana --room lobby") else {
            panic!("legal arguments")
        };
        assert_eq!(options.host.map(|host| host.to_string()).as_deref(), Some("tea.example:2023"));
        let Ok(Task::Tail(options)) = parse("tail --server [::1]:9 --since 5 --json") else {
            panic!("legal arguments")
        };
        assert_eq!(options.server.server.to_string(), "[::1]:9");
        assert_eq!(options.since.map(Seq::get), Some(5));
        assert!(parse("chat a --server b").is_err());
        assert!(parse("tail --since 5 -n 3").is_err());
        assert!(parse("tail --since x").is_err());
        assert!(parse("tail -n 5001").is_err());
    }

    #[test]
    fn broken_names_and_addresses_are_refused() {
        for line in ["chat --name a,b", "chat --room #x", "chat h:0", "tail https://h", "sing"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use teahouse_client_core::FOLLOW_LAST_MAX;
use teahouse_protocol::{MemberName, RoomName, Seq};

use crate::address::Address;
use crate::exit::{EXIT_HELP, Misuse};

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
    /// The server: HOST, HOST:PORT, [IPV6]:PORT or ws://HOST:PORT/ws; as --server.
    #[arg(value_name = "HOST[:PORT]", conflicts_with = "server")]
    pub(crate) host: Option<Address>,
    #[command(flatten)]
    pub(crate) server: ServerOption,
    #[command(flatten)]
    pub(crate) name: NameOption,
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
    #[command(flatten)]
    pub(crate) name: NameOption,
    /// The room to post to.
    #[arg(long, default_value = "lobby", value_name = "ROOM")]
    pub(crate) room: RoomName,
    /// Make the room when there is none of that name.
    #[arg(long)]
    pub(crate) create: bool,
    /// Tell what you do, as `/me` in a chat.
    #[arg(long)]
    pub(crate) action: bool,
    /// Post each line of standard input as a message of its own, instead of all of it as one.
    #[arg(long, conflicts_with = "text")]
    pub(crate) lines: bool,
    /// Give up when the server has not acknowledged within so many seconds.
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) timeout: u64,
    #[command(flatten)]
    pub(crate) state: StateOption,
    /// What to say; several words are joined by spaces. Without it, or with `-`, standard input is read, which has to be
    /// UTF-8.
    #[arg(value_name = "TEXT")]
    pub(crate) text: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct TailOptions {
    /// The server: HOST, HOST:PORT, [IPV6]:PORT or ws://HOST:PORT/ws; as --server.
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
    /// The server: HOST, HOST:PORT, [IPV6]:PORT or ws://HOST:PORT/ws [env: TEAHOUSE_SERVER] [default: 127.0.0.1:2023]
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) server: Option<Address>,
}

impl ServerOption {
    /// What an argument says, or else the environment, or else the default.
    pub(crate) fn address(self, host: Option<Address>) -> anyhow::Result<Address> {
        let given = host.or(self.server);
        Ok(given
            .map_or_else(|| of_environment("TEAHOUSE_SERVER"), |given| Ok(Some(given)))?
            .unwrap_or_else(Address::local))
    }
}

#[derive(Debug, Args)]
pub(crate) struct NameOption {
    /// What to be called; without it `send` is a guest for one message [env: TEAHOUSE_NAME]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<MemberName>,
}

impl NameOption {
    /// What the argument says, or else the environment.
    pub(crate) fn name(self) -> anyhow::Result<Option<MemberName>> {
        self.name.map_or_else(|| of_environment("TEAHOUSE_NAME"), |name| Ok(Some(name)))
    }
}

/// A variable that is not set, or empty, says nothing.
fn of_environment<T: FromStr<Err: std::fmt::Display>>(variable: &str) -> anyhow::Result<Option<T>> {
    let Some(value) = std::env::var_os(variable).filter(|value| !value.is_empty()) else { return Ok(None) };
    let value = value.to_str().ok_or_else(|| Misuse(format!("{variable} is not UTF-8")))?;
    let parsed =
        value.parse().map_err(|error| Misuse(format!("{variable}={}: {error}", value.escape_debug())))?;
    Ok(Some(parsed))
}

#[derive(Debug, Args)]
pub(crate) struct StateOption {
    /// Where to keep token, unsent messages and drafts, one file for each server and name. [default: the user's own
    /// directory for state, for example ~/.local/state/teahouse]
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Keep nothing, here or at the server: the name is free again when this ends. Without it the server keeps the name
    /// for 30 days for whoever has its token, if the token can be kept in --state-dir. For machines that are thrown
    /// away. [env: TEAHOUSE_NO_KEEP, if not empty]
    #[arg(long)]
    no_keep: bool,
}

impl StateOption {
    /// Whether nothing is to be kept.
    pub(crate) fn no_keep(&self) -> bool {
        self.no_keep || std::env::var_os("TEAHOUSE_NO_KEEP").is_some_and(|value| !value.is_empty())
    }
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
        assert_eq!(options.server.server.map(|server| server.to_string()).as_deref(), Some("tea.example:99"));
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
        assert_eq!(options.server.server.map(|server| server.to_string()).as_deref(), Some("[::1]:9"));
        assert_eq!(options.since.map(Seq::get), Some(5));
        assert!(parse("chat a --server b").is_err());
        assert!(parse("tail --since 5 -n 3").is_err());
        assert!(parse("tail --since x").is_err());
        assert!(parse("tail -n 5001").is_err());
    }

    #[test]
    fn broken_names_and_addresses_are_refused() {
        for line in
            ["chat --name a,b", "chat --room #x", "chat h:0", "tail https://h", "tail nonsense:::", "sing"]
        {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}

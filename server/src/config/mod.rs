//! What the server can be told, on the command line, in the environment and in a file. The command line wins over the
//! environment, the environment over the file, the file over the defaults.

mod value;

use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue};
use clap::{Parser, Subcommand};
use serde::Deserialize;
use teahouse_protocol::RoomName;

pub use value::{Listed, Millis};

use crate::accept::{Listen, PORT};
use crate::admission::Capacity;
use crate::house::Patience;
use crate::origins::{Origin, Origins};
use crate::pace::{Kind, Limit, Pace};
use crate::proxies::{Network, Proxies};

/// Bytes, times a minute and times an hour, as so many a second.
const KIB: f64 = 1024.0;
const MINUTELY: f64 = 1.0 / 60.0;
const HOURLY: f64 = 1.0 / 3600.0;

/// Its figures for the memory follow from what is bounded where: `fanout::TAILS_BYTES_MAX`, the queue and batches of
/// `order`, replays and their lanes, presences, paces, the caches of SQLite, the program; rooms and people in state and
/// directory; and of a connection answers (64 KiB), the rest of a frame (56), what was read (64), an unfinished line
/// (256, what it grows to), and the cursors of 1,000 rooms (160).
const AFTER_HELP: &str = "\
Every option may stand in the environment, under the name in brackets, and in the file of --config. Several values of one
option are separated by commas in the environment, and are a list in the file.

Times in words (nc, telnet) are those of the time zone in the variable TZ, such as TZ=Asia/Shanghai, and without it those
of this machine. The names of time zones are known to the program itself.

The server takes at most 200 MiB of memory, 2 KiB for each room, 1 KiB for each person who holds a name, and 640 KiB for
each connection (4 KiB while it is quiet): with the default of 4000 connections 2.7 GiB, if all of them do their worst.";

/// 茶馆 Teahouse: a chat that a team, a class or a LAN runs for itself. One port for browsers, the terminal client, JSON
/// Lines and nc.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "teahouse-server", version, max_term_width = 110, after_help = AFTER_HELP)]
pub struct Options {
    /// What to do instead of serving
    #[command(subcommand)]
    pub task: Option<Task>,
    /// Listen on this address and port; may be given several times. Port 0 takes a free one. `text=ADDR`, `json=ADDR` and
    /// `http=ADDR` serve one door only, and text then greets at once. [default: 0.0.0.0:2023 and [::]:2023]
    #[arg(long, value_name = "ADDR", env = "TEAHOUSE_LISTEN")]
    pub listen: Vec<Listed<Listen>>,
    /// Keep everything in this directory; it is made when missing. [default: the user's own data directory, for example
    /// ~/.local/share/teahouse]
    #[arg(long, value_name = "DIR", env = "TEAHOUSE_DATA", global = true)]
    pub data: Option<PathBuf>,
    /// Read options from this TOML file; its keys are the names of these options, such as listen = ["0.0.0.0:2023"]
    #[arg(long, value_name = "FILE", env = "TEAHOUSE_CONFIG", global = true)]
    pub config: Option<PathBuf>,
    /// The address of this server's page where that is a name, for example https://chat.example.org behind a proxy or
    /// http://tea.lan:2023; may be given several times. Pages of localhost and of literal addresses need none
    #[arg(long, value_name = "ORIGIN", env = "TEAHOUSE_ALLOW_ORIGIN")]
    pub allow_origin: Vec<Listed<Origin>>,
    /// Believe this proxy, or a network of them such as 10.0.0.0/8, whom it speaks for: in X-Forwarded-For and in headers of
    /// the PROXY protocol, versions 1 and 2; may be given several times
    #[arg(long, value_name = "ADDR[/BITS]", env = "TEAHOUSE_TRUSTED_PROXY")]
    pub trusted_proxy: Vec<Listed<Network>>,
    /// What to log: error, warn, info, debug or trace, or a filter such as info,teahouse_server=debug [default: info]
    #[arg(long, value_name = "FILTER", env = "TEAHOUSE_LOG")]
    pub log: Option<String>,
    /// From the first byte to a complete hello or HTTP request, in milliseconds [default: 10000]
    #[arg(long, value_name = "MS", env = "TEAHOUSE_HANDSHAKE_TIMEOUT_MS")]
    pub handshake_timeout_ms: Option<Millis>,
    /// From connecting to the first byte, in milliseconds [default: 300000]
    #[arg(long, value_name = "MS", env = "TEAHOUSE_SILENT_TIMEOUT_MS")]
    pub silent_timeout_ms: Option<Millis>,
    /// From a guest's last connection to its departure, where the name is not kept, in milliseconds; until then it may
    /// come back with its token [default: 60000]
    #[arg(long, value_name = "MS", env = "TEAHOUSE_GUEST_LEASE_MS")]
    pub guest_lease_ms: Option<Millis>,
    /// Close connections whose peer takes nothing of what waits for it for so long, in milliseconds [default: 300000]
    #[arg(long, value_name = "MS", env = "TEAHOUSE_STALLED_TIMEOUT_MS")]
    pub stalled_timeout_ms: Option<Millis>,
    /// Take so many posts a second from one connection and from one user, five times as many in a burst; 0 takes any
    /// number [default: 100]
    #[arg(long, value_name = "N", env = "TEAHOUSE_POSTS_PER_SECOND")]
    pub posts_per_second: Option<u32>,
    /// Take so many posts a second from one address, five times as many in a burst; 0 takes any number [default:
    /// 1000]
    #[arg(long, value_name = "N", env = "TEAHOUSE_ADDRESS_POSTS_PER_SECOND")]
    pub address_posts_per_second: Option<u32>,
    /// Take so many KiB of posts a second from one connection and from one user, ten times as many in a burst; 0
    /// takes any number [default: 128]
    #[arg(long, value_name = "KIB", env = "TEAHOUSE_POST_KIB_PER_SECOND")]
    pub post_kib_per_second: Option<u32>,
    /// Take so many KiB of posts a second from one address, ten times as many in a burst; 0 takes any number
    /// [default: 1024]
    #[arg(long, value_name = "KIB", env = "TEAHOUSE_ADDRESS_POST_KIB_PER_SECOND")]
    pub address_post_kib_per_second: Option<u32>,
    /// Take so many joins and leaves a minute from one user, after a burst of those of 100 seconds; 0 takes any
    /// number [default: 60]
    #[arg(long, value_name = "N", env = "TEAHOUSE_CHANGES_PER_MINUTE")]
    pub changes_per_minute: Option<u32>,
    /// Take so many joins, leaves and new guests a minute from one address, after a burst of those of 100 seconds; 0
    /// takes any number [default: 600]
    #[arg(long, value_name = "N", env = "TEAHOUSE_ADDRESS_CHANGES_PER_MINUTE")]
    pub address_changes_per_minute: Option<u32>,
    /// Let one user make so many rooms an hour, a sixth of them at once; 0 is any number [default: 60]
    #[arg(long, value_name = "N", env = "TEAHOUSE_ROOMS_PER_HOUR")]
    pub rooms_per_hour: Option<u32>,
    /// Let one address make so many rooms an hour, a sixth of them at once; 0 is any number [default: 600]
    #[arg(long, value_name = "N", env = "TEAHOUSE_ADDRESS_ROOMS_PER_HOUR")]
    pub address_rooms_per_hour: Option<u32>,
    /// Take so many hellos a second from one address, fifty times as many in a burst; 0 takes any number [default:
    /// 20]
    #[arg(long, value_name = "N", env = "TEAHOUSE_ADDRESS_HELLOS_PER_SECOND")]
    pub address_hellos_per_second: Option<u32>,
    /// Answer one connection with so many KiB a second (pages, lists, replays), after a burst of those of 16 seconds;
    /// then it waits. 0 is any number [default: 256]
    #[arg(long, value_name = "KIB", env = "TEAHOUSE_ANSWER_KIB_PER_SECOND")]
    pub answer_kib_per_second: Option<u32>,
    /// Answer one address with so many KiB a second, after a burst of those of 16 seconds; then it waits. 0 is any
    /// number [default: 4096]
    #[arg(long, value_name = "KIB", env = "TEAHOUSE_ADDRESS_ANSWER_KIB_PER_SECOND")]
    pub address_answer_kib_per_second: Option<u32>,
    /// Take so many connections a second from one address, fifty times as many in a burst; 0 takes any number [default: 50]
    #[arg(long, value_name = "N", env = "TEAHOUSE_ADDRESS_CONNECTIONS_PER_SECOND")]
    pub address_connections_per_second: Option<u32>,
    /// Have so many connections at most; each may take 640 KiB of memory at worst, and takes 4 KiB while it is quiet. 0
    /// is any number [default: 4000]
    #[arg(long, value_name = "N", env = "TEAHOUSE_CONNECTIONS_MAX")]
    pub connections_max: Option<u32>,
    /// Have so many connections of one address at most, and of each client of a trusted proxy; 0 is any number [default: 1000]
    #[arg(long, value_name = "N", env = "TEAHOUSE_ADDRESS_CONNECTIONS_MAX")]
    pub address_connections_max: Option<u32>,
    /// Limit nobody's pace and number, for measurements: as if each of those options were 0
    #[arg(long, env = "TEAHOUSE_UNLIMITED", value_parser = BoolishValueParser::new())]
    pub unlimited: bool,
}

/// What an administrator does with the data.
#[derive(Debug, Clone, Subcommand)]
pub enum Task {
    /// Copy everything into FILE, of one moment, while the server may be running. Only its owner can read it
    Backup {
        /// The copy; it must not exist
        file: PathBuf,
    },
    /// Look through everything: pages intact, events as they were written, seqs without gaps, tables equal to what the
    /// events make
    Verify {
        /// A backup, or a data directory; without it the one of --data
        path: Option<PathBuf>,
    },
    /// Make the data directory out of a backup. It must hold no database yet. Clients start afresh
    Restore {
        /// The backup
        file: PathBuf,
    },
    /// Write a room's events to standard output, one JSON object per line. Ends with 0 also when its reader has enough
    Export {
        /// The room
        #[arg(long)]
        room: RoomName,
    },
    /// Make a new room out of exported events on standard input, all or nothing. The server must not be running. Whoever
    /// is a member at the end leaves; the authors are names only, and cannot come back
    Import {
        /// The new room
        #[arg(long)]
        room: RoomName,
    },
}

/// What a configuration file holds.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    listen: Vec<Listen>,
    data: Option<PathBuf>,
    allow_origin: Vec<Origin>,
    trusted_proxy: Vec<Network>,
    log: Option<String>,
    handshake_timeout_ms: Option<Millis>,
    silent_timeout_ms: Option<Millis>,
    guest_lease_ms: Option<Millis>,
    stalled_timeout_ms: Option<Millis>,
    posts_per_second: Option<u32>,
    address_posts_per_second: Option<u32>,
    post_kib_per_second: Option<u32>,
    address_post_kib_per_second: Option<u32>,
    changes_per_minute: Option<u32>,
    address_changes_per_minute: Option<u32>,
    rooms_per_hour: Option<u32>,
    address_rooms_per_hour: Option<u32>,
    address_hellos_per_second: Option<u32>,
    answer_kib_per_second: Option<u32>,
    address_answer_kib_per_second: Option<u32>,
    address_connections_per_second: Option<u32>,
    connections_max: Option<u32>,
    address_connections_max: Option<u32>,
    unlimited: bool,
}

/// Why the options cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {file} cannot be read: {source}")]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what it should be.
    #[error("the configuration file {file} is wrong: {source}")]
    Wrong {
        /// The file.
        file: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// The data directory has no name.
    #[error(
        "the name of the data directory is empty; see --data, TEAHOUSE_DATA, and data in the configuration file"
    )]
    NoData,
    /// There is no home directory.
    #[error("there is no place for the data of this user; name one with --data DIR")]
    NoHome,
}

/// What the server does, all told.
#[derive(Debug, Clone)]
pub struct Config {
    /// What to do instead of serving.
    pub task: Option<Task>,
    /// Where to listen.
    pub listen: Vec<Listen>,
    /// Whether `listen` is the default, of which IPv6 may be missing.
    pub default_listen: bool,
    /// Where the log is.
    pub data: PathBuf,
    /// Whose pages may connect.
    pub origins: Origins,
    /// Who may say whom it speaks for.
    pub proxies: Proxies,
    /// What to log.
    pub log: String,
    /// How long to wait for peers.
    pub patience: Patience,
    /// How fast clients may post, change, ask and connect.
    pub pace: Pace,
    /// How many connections there may be.
    pub capacity: Capacity,
}

impl Options {
    /// Reads the command line and the environment. The error has the words for what makes no sense, or for what was
    /// asked, such as `--help`; if it is about a variable, that was said before.
    pub fn read() -> Result<Self, clap::Error> {
        let error = match Self::try_parse() {
            Ok(options) => return Ok(options),
            Err(error) => error,
        };
        if let Some(variable) = variable_behind(&error, std::env::args()) {
            let _ = writeln!(io::stderr(), "The environment variable {variable} is wrong:");
        }
        Err(error)
    }

    /// Adds the file's options and the defaults.
    pub fn resolve(self) -> Result<Config, ConfigError> {
        let file = self.config.as_deref().map_or_else(|| Ok(File::default()), read)?;
        let listen = first_told(self.listen, file.listen);
        let default_listen = listen.is_empty();
        let defaults = [
            Listen { address: (Ipv4Addr::UNSPECIFIED, PORT).into(), pin: None },
            Listen { address: (Ipv6Addr::UNSPECIFIED, PORT).into(), pin: None },
        ];
        let data = match self.data.or(file.data) {
            Some(data) => data,
            None => directories::ProjectDirs::from("", "", "teahouse")
                .ok_or(ConfigError::NoHome)?
                .data_dir()
                .to_owned(),
        };
        if data.as_os_str().is_empty() {
            return Err(ConfigError::NoData);
        }
        let millis = |option: Option<Millis>, file: Option<Millis>, default: u64| {
            option.or(file).map_or(Duration::from_millis(default), Millis::duration)
        };
        let rate = |option: Option<u32>, file: Option<u32>, default: u32, unit: f64, burst_seconds: f64| {
            let number = Some(option.or(file).unwrap_or(default)).filter(|number| *number > 0)?;
            let per_second = f64::from(number) * unit;
            Some(Limit { per_second, burst: (per_second * burst_seconds).max(1.0) })
        };
        let mut pace = Pace::default();
        let posts = rate(self.posts_per_second, file.posts_per_second, 100, 1.0, 5.0);
        let kib = rate(self.post_kib_per_second, file.post_kib_per_second, 128, KIB, 10.0);
        let changes = rate(self.changes_per_minute, file.changes_per_minute, 60, MINUTELY, 100.0);
        let rooms = rate(self.rooms_per_hour, file.rooms_per_hour, 60, HOURLY, 600.0);
        let answers = rate(self.answer_kib_per_second, file.answer_kib_per_second, 256, KIB, 16.0);
        for (kind, limit) in [(Kind::Posts, posts), (Kind::PostBytes, kib), (Kind::AnswerBytes, answers)] {
            pace.connection[kind as usize] = limit;
        }
        let of_user =
            [(Kind::Posts, posts), (Kind::PostBytes, kib), (Kind::Changes, changes), (Kind::Rooms, rooms)];
        for (kind, limit) in of_user {
            pace.user[kind as usize] = limit;
        }
        let posts = rate(self.address_posts_per_second, file.address_posts_per_second, 1_000, 1.0, 5.0);
        let kib = rate(self.address_post_kib_per_second, file.address_post_kib_per_second, 1_024, KIB, 10.0);
        let changes =
            rate(self.address_changes_per_minute, file.address_changes_per_minute, 600, MINUTELY, 100.0);
        let rooms = rate(self.address_rooms_per_hour, file.address_rooms_per_hour, 600, HOURLY, 600.0);
        let hellos = rate(self.address_hellos_per_second, file.address_hellos_per_second, 20, 1.0, 50.0);
        let answers =
            rate(self.address_answer_kib_per_second, file.address_answer_kib_per_second, 4_096, KIB, 16.0);
        let connections =
            rate(self.address_connections_per_second, file.address_connections_per_second, 50, 1.0, 50.0);
        let of_address = [
            (Kind::Connections, connections),
            (Kind::Posts, posts),
            (Kind::PostBytes, kib),
            (Kind::Changes, changes),
            (Kind::Rooms, rooms),
            (Kind::Hellos, hellos),
            (Kind::AnswerBytes, answers),
        ];
        for (kind, limit) in of_address {
            pace.address[kind as usize] = limit;
        }
        let most = |option: Option<u32>, file: Option<u32>, default: u32| {
            let most = option.or(file).unwrap_or(default);
            usize::try_from(most).ok().filter(|most| *most > 0)
        };
        let mut capacity = Capacity {
            connections: most(self.connections_max, file.connections_max, 4_000),
            of_address: most(self.address_connections_max, file.address_connections_max, 1_000),
        };
        if self.unlimited || file.unlimited {
            (pace, capacity) = (Pace::default(), Capacity::default());
        }
        Ok(Config {
            task: self.task,
            listen: if default_listen { defaults.into() } else { listen },
            default_listen,
            data,
            origins: Origins::new(first_told(self.allow_origin, file.allow_origin)),
            proxies: Proxies::new(first_told(self.trusted_proxy, file.trusted_proxy)),
            log: self.log.or(file.log).unwrap_or_else(|| "info".into()),
            patience: Patience {
                handshake: millis(self.handshake_timeout_ms, file.handshake_timeout_ms, 10_000),
                silence: millis(self.silent_timeout_ms, file.silent_timeout_ms, 300_000),
                lease: millis(self.guest_lease_ms, file.guest_lease_ms, 60_000),
                stalled: millis(self.stalled_timeout_ms, file.stalled_timeout_ms, 300_000),
            },
            pace,
            capacity,
        })
    }
}

/// The values of the command line or environment, or else those of the file.
fn first_told<T>(told: Vec<Listed<T>>, file: Vec<T>) -> Vec<T> {
    let told: Vec<T> = told.into_iter().flat_map(|Listed(values)| values).collect();
    if told.is_empty() { file } else { told }
}

/// The variable of the environment that a wrong value stands in, since clap names the option alone.
fn variable_behind(error: &clap::Error, arguments: impl Iterator<Item = String>) -> Option<String> {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return None };
    let option = argument.split_whitespace().next()?;
    let mut arguments = arguments;
    let given = arguments.any(|given| given.split('=').next() == Some(option));
    let variable = format!("TEAHOUSE_{}", option.strip_prefix("--")?.replace('-', "_").to_uppercase());
    (!given && std::env::var_os(&variable).is_some()).then_some(variable)
}

fn read(file: &Path) -> Result<File, ConfigError> {
    let text =
        fs::read_to_string(file).map_err(|source| ConfigError::Unreadable { file: file.into(), source })?;
    toml::from_str(&text).map_err(|source| ConfigError::Wrong { file: file.into(), source: source.into() })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::accept::Pin;

    #[test]
    fn listeners_are_read() {
        let read = |text: &str| text.parse::<Listen>();
        assert_eq!(read("127.0.0.1:0").map(|listen| listen.pin), Ok(None));
        assert_eq!(read("text=[::1]:23").map(|listen| listen.pin), Ok(Some(Pin::Text)));
        assert!(read("2023").unwrap_err().contains("127.0.0.1:2023"));
        assert!(read("irc=[::]:6667").unwrap_err().contains("there are text, json and http"));
    }

    #[test]
    fn every_option_may_stand_in_the_environment_and_in_the_file() {
        for option in Options::command().get_arguments() {
            let Some(name) = option.get_long().map(|name| name.replace('-', "_")) else { continue };
            if ["help", "version"].contains(&&*name) {
                continue;
            }
            let variable = format!("TEAHOUSE_{}", name.to_uppercase());
            assert_eq!(option.get_env().and_then(|name| name.to_str()), Some(&*variable));
            if name != "config" {
                // No option is a table.
                let error = toml::from_str::<File>(&format!("{name} = {{}}")).unwrap_err().to_string();
                assert!(!error.contains("unknown field"), "{error}");
            }
        }
    }

    #[test]
    fn the_file_is_checked_and_comes_after_the_command_line() {
        let file: File =
            toml::from_str("listen = [\"127.0.0.1:1\"]\nlog = \"debug\"").expect("as documented");
        assert_eq!(file.listen[0].address.port(), 1);
        assert!(toml::from_str::<File>("lissten = []").is_err());
        let options = Options { log: Some("warn".into()), data: Some("d".into()), ..Options::default() };
        let config = options.resolve().expect("complete");
        assert_eq!((config.log.as_str(), config.listen.len(), config.default_listen), ("warn", 2, true));
    }
}

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use teahouse_protocol::{Command, Post, PostText, ServerMessage};
use tempfile::TempDir;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{MissedTickBehavior, interval};

use crate::host::{Host, Spec};
use crate::link::{Link, kept, room};
use crate::run::Tally;

/// What the server may hold more than before for reasons that are nobody's attack, in KiB: pages of the database in the
/// caches of its connections, threads that have come, what the allocator keeps.
const SLACK_KIB: u64 = 16 * 1024;
/// How often the server's memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// So many posts of the witness make a figure.
const POSTS: usize = 20;

/// Where an attack comes from.
pub(super) const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 0, 66, 1);
/// Where the witness is, whom the attack must not disturb.
const WITNESS: Ipv4Addr = Ipv4Addr::new(127, 0, 77, 1);

/// A server under attack, and somebody else who posts.
pub(super) struct Arena {
    pub(super) host: Host,
    witness: Link,
    /// How many words it has said.
    said: u64,
    /// The lobby's last event that it knows of.
    head: u64,
    /// So many events of others came at most between two of its posts that followed each other.
    overtaken_max: u64,
    memory_kib: u64,
    threads: usize,
    _folder: TempDir,
}

/// What was seen while an attack ran.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// By so much the server's memory grew at most.
    pub(super) growth_kib: u64,
    /// So many threads it had more at most.
    pub(super) threads: usize,
    before: Vec<Duration>,
    during: Vec<Duration>,
}

/// Connects from an address of this machine, with as small a buffer as the kernel gives.
pub(super) async fn connect(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4 * 1024).expect("the kernel takes it");
    socket.bind(SocketAddr::from((from, 0))).expect("a loopback address");
    socket.connect(to).await.expect("the server accepts")
}

impl Arena {
    /// A server of these options, with a room of long texts.
    pub(super) async fn open(options: &[&str], limited: bool) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let options = options.iter().map(ToString::to_string).collect();
        let spec = Spec { options, limited, open_files_max: Some(16_384), ..Spec::default() };
        let host = Host::start(&folder.path().join("data"), spec).await;
        let mut witness = Link::over(connect(WITNESS, host.address()).await);
        witness.hello(kept("witness")).await.expect("the server welcomes");
        witness.join(&room("lobby")).await.expect("the server writes");
        let mut arena = Self {
            host,
            witness,
            said: 0,
            head: 0,
            overtaken_max: 0,
            memory_kib: 0,
            threads: 0,
            _folder: folder,
        };
        for _ in 0..20 {
            arena.say(8_000).await;
        }
        arena.look();
        arena
    }

    /// From here on growth is counted.
    pub(super) fn look(&mut self) {
        self.memory_kib = self.host.memory_kib("Pss");
        self.threads = self.host.threads();
    }

    async fn say(&mut self, chars: usize) -> Duration {
        self.said += 1;
        let text = PostText::parse(format!("{} {}", self.said, "y".repeat(chars - 10))).expect("legal");
        let post = Post { room: room("lobby"), op: None, text, action: false };
        let began = Instant::now();
        match self.ask(Command::Post(post)).await {
            ServerMessage::Ack(ack) => {
                let seq = ack.seq.expect("a post has one").get();
                // What came before the one of before was there already.
                self.overtaken_max = self.overtaken_max.max(seq - self.head.max(1) - 1);
                self.head = seq;
                began.elapsed()
            }
            other => panic!("{}", other.to_json()),
        }
    }

    pub(super) async fn ask(&mut self, command: Command) -> ServerMessage {
        self.witness.ask(command).await.expect("the witness is not disturbed")
    }

    /// How many posts of others came at most before one of the witness, after it was sent.
    pub(super) fn overtaken_max(&self) -> u64 {
        self.overtaken_max
    }

    /// Lets an attack run, and the witness post meanwhile, some times at least. What the attack gives back is held until
    /// everything has been looked at.
    pub(super) async fn under<T>(&mut self, attack: impl Future<Output = T>) -> (T, Seen) {
        let mut seen = Seen::default();
        for _ in 0..POSTS {
            seen.before.push(self.say(20).await);
        }
        let mut attack = std::pin::pin!(attack);
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut held = None;
        while held.is_none() || seen.during.len() < POSTS {
            tokio::select! {
                given = &mut attack, if held.is_none() => held = Some(given),
                _ = look.tick() => {
                    seen.during.push(self.say(20).await);
                    seen.growth_kib =
                        seen.growth_kib.max(self.host.memory_kib("Pss").saturating_sub(self.memory_kib));
                    seen.threads = seen.threads.max(self.host.threads().saturating_sub(self.threads));
                }
            }
        }
        (held.expect("it is over"), seen)
    }

    /// How many words the witness has said; each is an event of the lobby.
    pub(super) fn said(&self) -> u64 {
        self.said
    }
}

impl Seen {
    /// For how long one in a hundred of the witness's posts waited while the attack ran.
    pub(super) fn p99_during(&self) -> Duration {
        p99(&self.during)
    }

    /// Complains where more was held than `bound_kib` and what nobody is to blame for.
    pub(super) fn judge(&self, attack: &str, bound_kib: u64, tally: &mut Tally) {
        tally.cycles += 1;
        if self.growth_kib > bound_kib + SLACK_KIB {
            let (growth, most) = (self.growth_kib, bound_kib + SLACK_KIB);
            tally.complain(format!("{attack}: the server's memory grew by {growth} KiB, more than {most}"));
        }
        let measured = format!(
            "{attack}: {} KiB of {} (+{SLACK_KIB}), p99 {:.1?} before and {:.1?} during; ",
            self.growth_kib,
            bound_kib,
            p99(&self.before),
            self.p99_during()
        );
        tally.measured.push_str(&measured);
    }
}

fn p99(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() * 99 / 100).copied().unwrap_or_default()
}

//! The program `teahouse-server`.

#![cfg_attr(not(test), warn(clippy::print_stdout, clippy::print_stderr))]

mod admin;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use teahouse_protocol::Epoch;
use teahouse_server::accept::{self, Listen, Pin, WaitingRoom};
use teahouse_server::admission::Admission;
use teahouse_server::clock::Clock;
use teahouse_server::config::{Config, Options};
use teahouse_server::crier::Crier;
use teahouse_server::directory::Directory;
use teahouse_server::house::House;
use teahouse_server::lanes::Lanes;
use teahouse_server::log;
use teahouse_server::order::{self, Order};
use teahouse_server::standard_error::StandardError;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// After so long the server stops even if a peer does not take its last words.
const GOODBYE_MAX: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let options = match Options::read() {
        Ok(options) => options,
        Err(answer) => return answered(&answer),
    };
    let standard_error = StandardError::start();
    standard_error.report_panics();
    let ended = options.resolve().map_err(Into::into).and_then(|config| run(config, &standard_error));
    let exit = match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            standard_error.say(format_args!("teahouse-server: {error:#}"));
            ExitCode::FAILURE
        }
    };
    standard_error.flush();
    exit
}

/// The answer to `--help`, `--version` or wrong options. Where nobody reads it any more, that is no failure.
fn answered(answer: &clap::Error) -> ExitCode {
    let printed = answer.print().and_then(|()| io::stdout().flush());
    match printed {
        Err(error) if !answer.use_stderr() && error.kind() != io::ErrorKind::BrokenPipe => {
            // There is nowhere else to say it.
            let _ = writeln!(io::stderr(), "teahouse-server: standard output cannot be written: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(1)),
    }
}

fn run(mut config: Config, standard_error: &StandardError) -> Result<()> {
    if let Some(task) = config.task.take() {
        return admin::run(task, &config.data, standard_error);
    }
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log)
        .with_context(|| format!("--log {} is no filter", config.log))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()))
        .with_writer(standard_error.clone())
        .init();
    let runtime = tokio::runtime::Runtime::new().context("the system has no room for threads")?;
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> Result<()> {
    let listeners = listen(&config)?;
    let clock = Clock::default();
    let (mut log, mut model, reader) = log::open(&config.data, &fresh_epoch())?;
    order::prepare(&mut log, &mut model, &clock).map_err(|error| log::cannot_begin(&config.data, error))?;
    let directory = Arc::new(Directory::new(config.patience.lease, clock.clone()));
    directory.restore(&model, &mut Vec::new());
    let _crier = Crier::start(&directory);
    let (order, order_thread) = Order::start(log, model, Arc::clone(&directory), clock.clone());
    let house = House::new(
        directory,
        order,
        reader,
        Lanes::default(),
        clock,
        config.patience,
        config.pace,
        config.origins.clone(),
        config.proxies.clone(),
    );
    let house = Arc::new(house);
    let mut signals = Signals::new()?;

    let waiting = Arc::new(WaitingRoom::default());
    let admission = Arc::new(Admission::new(config.capacity));
    let mut accepting = JoinSet::new();
    let leases = Arc::clone(&house);
    tokio::spawn(async move { leases.end_leases().await });
    let mut addresses = Vec::new();
    for (listener, pin) in listeners {
        addresses.push((listener.local_addr()?, pin));
        accepting.spawn(accept::accept(
            listener,
            pin,
            Arc::clone(&house),
            Arc::clone(&waiting),
            Arc::clone(&admission),
        ));
    }
    announce(announcement(&addresses));
    if let Some(problem) = teahouse_server::door::phrases::time_zone_problem() {
        tracing::warn!("{problem}");
    }
    tracing::info!("the data is in {}", config.data.display());

    signals.wait().await;
    tracing::info!("shutting down; a second signal stops at once");
    accepting.shutdown().await;
    tokio::select! {
        goodbye = tokio::time::timeout(GOODBYE_MAX, house.say_goodbye()) => {
            if goodbye.is_err() {
                tracing::warn!("not every peer took its last words");
            }
        }
        () = signals.wait() => return Ok(()),
    }
    house.order.close();
    tokio::task::spawn_blocking(move || order_thread.join())
        .await?
        .map_err(|_| anyhow!("the log's thread failed; see the messages above"))
}

fn listen(config: &Config) -> Result<Vec<(TcpListener, Option<Pin>)>> {
    let mut listeners = Vec::new();
    for wanted in &config.listen {
        match accept::listen(wanted) {
            Ok(listener) => listeners.push((listener, wanted.pin)),
            Err(error) if config.default_listen && is_without_ipv6(wanted, &error) => {}
            Err(error) => return Err(cannot_listen(wanted, error)),
        }
    }
    Ok(listeners)
}

fn is_without_ipv6(listen: &Listen, error: &io::Error) -> bool {
    listen.address.is_ipv6()
        && matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
}

fn cannot_listen(listen: &Listen, error: io::Error) -> anyhow::Error {
    let address = listen.address;
    if error.kind() == io::ErrorKind::AddrInUse {
        anyhow!("{address} is in use by another program; stop it or choose another port with --listen")
    } else {
        anyhow::Error::new(error).context(format!("cannot listen on {address}"))
    }
}

/// Where the server listens, one line for each listener, and which addresses a browser opens.
fn announcement(addresses: &[(std::net::SocketAddr, Option<Pin>)]) -> String {
    let mut lines = String::new();
    let mut line =
        |line: std::fmt::Arguments<'_>| writeln!(lines, "{line}").expect("a text takes everything");
    for (address, _) in addresses {
        line(format_args!("listening on {address}"));
    }
    let browsers = addresses.iter().filter(|(_, pin)| matches!(pin, None | Some(Pin::Http)));
    for (address, _) in browsers {
        let hosts: Vec<IpAddr> =
            if address.ip().is_unspecified() { own_addresses(address.is_ipv4()) } else { vec![address.ip()] };
        for host in hosts {
            let url_host = if host.is_loopback() { "localhost".into() } else { url_host(host) };
            line(format_args!("open http://{url_host}:{}/", address.port()));
        }
    }
    lines
}

/// Prints it, on a thread of its own: whoever does not read it keeps nobody waiting. What cannot be printed is in the
/// log instead.
fn announce(lines: String) {
    let print = move || {
        let mut out = io::stdout().lock();
        if let Err(error) = out.write_all(lines.as_bytes()).and_then(|()| out.flush()) {
            tracing::warn!(
                "standard output cannot be written ({error}): {}",
                lines.trim_end().replace('\n', ", ")
            );
        }
    };
    if std::thread::Builder::new().name("stdout".into()).spawn(print).is_err() {
        tracing::warn!("the system has no room for a thread that prints the addresses");
    }
}

/// The addresses of this machine under which others on the network find it, loopback first.
fn own_addresses(ipv4: bool) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .filter(|interface| !interface.is_link_local())
        .map(|interface| interface.ip())
        // "localhost" is said once, and every machine that has IPv6 reaches it over IPv4 too.
        .filter(|ip| ip.is_ipv4() == ipv4 && (ipv4 || !ip.is_loopback()))
        .collect();
    addresses.sort_by_key(|ip| (!ip.is_loopback(), *ip));
    addresses
}

fn url_host(host: IpAddr) -> String {
    match host {
        IpAddr::V4(host) => host.to_string(),
        IpAddr::V6(host) => format!("[{host}]"),
    }
}

fn fresh_epoch() -> Epoch {
    const LETTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    let text: String =
        bytes.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect();
    Epoch::parse(&text).expect("letters and digits")
}

/// SIGINT and SIGTERM, or what stands for them.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}

//! The program `teahouse-bench`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use teahouse_bench::cores::{Cores, raise_descriptor_limit};
use teahouse_bench::floor;
use teahouse_bench::peer::Peer;
use teahouse_bench::peers;
use teahouse_bench::peers::floor::Floor;
use teahouse_bench::peers::teahouse::Teahouse;
use teahouse_bench::workloads::room::Room;
use teahouse_bench::workloads::{Case, Setting};

/// Loads Teahouse, its peers and the floor in one run.
#[derive(Debug, Parser)]
#[command(name = "teahouse-bench", version, max_term_width = 110)]
struct Options {
    #[command(subcommand)]
    task: Option<Task>,
    /// Run these cases only, for example room/1000/128/tcp/flood
    #[arg(long, value_name = "CASE", value_delimiter = ',')]
    only: Vec<String>,
    /// Load these peers only
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    peers: Vec<String>,
    /// The teahouse-server to load [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Post for so many seconds in each measured stretch
    #[arg(long, value_name = "N", default_value_t = 5.0)]
    seconds: f64,
    /// Run each case so often with each peer, forwards and backwards in turn
    #[arg(long, value_name = "N", default_value_t = 1)]
    rounds: usize,
    /// Keep the servers' files here, which must not be in memory [default: beside this program]
    #[arg(long, value_name = "DIR")]
    place: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Be the floor
    #[command(hide = true)]
    Floor {
        /// Where to listen
        #[arg(long)]
        listen: SocketAddr,
    },
}

fn main() -> ExitCode {
    let options = Options::parse();
    let result = match options.task {
        Some(Task::Floor { listen }) => floor::serve(listen).map(|()| true),
        None => run(options),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("teahouse-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Options) -> Result<bool> {
    let cores = Cores::choose()?;
    cores.pin_generator()?;
    raise_descriptor_limit()?;
    let place = match options.place {
        Some(place) => place,
        None => std::env::current_exe()?.with_file_name("bench-data"),
    };
    let setting = Setting { cores, place, seconds: options.seconds };
    let mut all: Vec<Box<dyn Peer>> = vec![Box::new(Teahouse::new(options.server)?), Box::new(Floor)];
    all.extend(peers::others());
    if !options.peers.is_empty() {
        for name in &options.peers {
            if !all.iter().any(|peer| peer.name() == name) {
                bail!("there is no peer {name}");
            }
        }
        all.retain(|peer| options.peers.iter().any(|name| name == peer.name()));
    }
    let mut whole = true;
    for name in &options.only {
        let case =
            name.strip_prefix("room/").and_then(Room::parse).with_context(|| format!("no case {name}"))?;
        for round in 0..options.rounds {
            let mut order: Vec<_> =
                all.iter().filter(|peer| peer.transports().contains(&case.transport())).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for peer in order {
                println!("{} {}", case.name(), peer.name());
                let outcome = case.run(peer.as_ref(), &setting)?;
                for (figure, value) in &outcome.figures {
                    println!("  {figure:<36} {value:>16.3}");
                }
                let faults = outcome.faults;
                println!(
                    "  missing {} doubled {} reordered {}",
                    faults.missing, faults.doubled, faults.reordered
                );
                if !outcome.whole() {
                    whole = false;
                    println!("  FAILED {faults:?} {:?}", outcome.complaints);
                }
            }
        }
    }
    Ok(whole)
}

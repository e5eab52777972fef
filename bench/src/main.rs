//! The program `teahouse-bench`.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use teahouse_bench::cores::{Cores, raise_descriptor_limit};
use teahouse_bench::neighbour::Neighbour;
use teahouse_bench::peer::Transport;
use teahouse_bench::peers::teahouse::Teahouse;
use teahouse_bench::record::{self, Choice, Chosen};
use teahouse_bench::results::Results;
use teahouse_bench::server::become_leashed;
use teahouse_bench::workloads::{self, Setting};
use teahouse_bench::{browser, floor, report};

/// Loads Teahouse, its peers and the floor in one run.
#[derive(Debug, Parser)]
#[command(name = "teahouse-bench", version, max_term_width = 110, args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    task: Option<Task>,
    /// Be done in about three minutes: fewer peers, shorter stretches, one run of each
    #[arg(long)]
    quick: bool,
    /// Run these workloads only: a name or the beginning of one, for example room/1000, room/1000/128/tcp/flood or browser
    #[arg(long, value_name = "WORKLOADS", value_delimiter = ',')]
    only: Vec<String>,
    /// Load these peers only
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    peers: Vec<String>,
    /// Say which workloads there are
    #[arg(long)]
    list: bool,
    /// The teahouse-server to load [default: the one beside this program]; given twice, the second is compared with the
    /// first, and nobody else but the floor takes part unless --peers names them
    #[arg(long, value_name = "PATH")]
    server: Vec<PathBuf>,
    /// Write RESULTS.md, results.svg and results.json here
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Post for so many seconds in each measured stretch
    #[arg(long, value_name = "N")]
    seconds: Option<f64>,
    /// Go there and back so often in each workload
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,
    /// Measure the browser client first, with this program: the example browser_load of the tests, which `cargo xtask
    /// bench` builds for whole runs and for --only browser
    #[arg(long, value_name = "PATH", requires = "out")]
    browser: Option<PathBuf>,
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
    /// Become a server that ends with whoever started it
    #[command(hide = true)]
    Leashed {
        /// The program and its arguments
        #[arg(last = true)]
        words: Vec<OsString>,
    },
    /// Be a program that a server has to share the machine with
    #[command(hide = true)]
    Neighbour {
        /// Which one
        neighbour: Neighbour,
        /// What it writes
        file: Option<PathBuf>,
    },
    /// Write the report again from results.json
    Report {
        /// The file
        results: PathBuf,
        /// Where to write it [default: beside the file]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let options = Options::parse();
    let result = match options.task {
        Some(Task::Floor { listen }) => {
            floor::listen(listen).and_then(|listener| floor::serve(&listener)).map(|()| true)
        }
        Some(Task::Leashed { words }) => become_leashed(&words).map(|()| true),
        Some(Task::Neighbour { neighbour, file }) => neighbour.become_one(file.as_deref()).map(|()| true),
        Some(Task::Report { results, out }) => report_again(&results, out).map(|()| true),
        None if options.list => {
            for workload in workloads::all(options.quick) {
                println!("{}", workload.name());
            }
            println!("{}", browser::NAME);
            Ok(true)
        }
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

fn report_again(results: &Path, out: Option<PathBuf>) -> Result<()> {
    let folder = out.unwrap_or_else(|| results.parent().map(PathBuf::from).unwrap_or_default());
    report::write(&Results::read(results)?, &folder)
}

/// Takes what was measured in a browser over into the report that is there.
fn report_browser(folder: &Path) -> Result<()> {
    let results = folder.join("results.json");
    if results.is_file() {
        return report_again(&results, None);
    }
    println!("the figures are in {}", folder.join(browser::FILE).display());
    Ok(())
}

fn run(mut options: Options) -> Result<bool> {
    const TMPFS: i64 = 0x0102_1994;
    if let (Some(program), Some(folder)) = (&options.browser, &options.out) {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        // Before this process keeps to a core, and every process that it starts with it.
        browser::measure(program, folder, options.quick)?;
        if !options.only.is_empty() {
            options.only.retain(|name| name != browser::NAME);
            if options.only.is_empty() {
                return report_browser(folder).map(|()| true);
            }
        }
    }
    let cores = Cores::choose()?;
    raise_descriptor_limit()?;
    let place = match options.place {
        Some(place) => place,
        None => std::env::current_exe()?.with_file_name("bench-data"),
    };
    std::fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    if rustix::fs::statfs(&place)?.f_type as i64 == TMPFS {
        bail!(
            "{} is in memory, where fsync costs nothing; name a folder on a disk with --place",
            place.display()
        );
    }
    let choice = Choice {
        workloads: choose(&options.only, options.quick)?,
        peers: options.peers,
        rounds: options.rounds,
    };
    let teahouses = Teahouse::all(options.server)?;
    let setting = Setting { cores, place, quick: options.quick, seconds: options.seconds, teahouses };
    let out = options.out;
    if let Some(folder) = &out {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let results = record::run(&choice, &setting, |results| {
        let Some(folder) = &out else { return Ok(()) };
        results.write(&folder.join("results.json"))?;
        report::write(results, folder)
    })?;
    let unsound = record::unsound(&results);
    for run in &unsound {
        eprintln!("NOT SOUND: {} {} {}, {}", run.workload, run.peer, run.transport, run.case);
    }
    Ok(unsound.is_empty())
}

/// The workloads whose names begin so, each with the transport that the name holds.
fn choose(only: &[String], quick: bool) -> Result<Vec<Chosen>> {
    if only.is_empty() {
        return Ok(workloads::all(quick).into_iter().map(|workload| (workload, None)).collect());
    }
    let mut chosen = Vec::new();
    for name in only {
        if name == browser::NAME {
            bail!(
                "a browser is measured by `cargo xtask bench --only browser`, which builds what that needs"
            );
        }
        let words: Vec<&str> = name.trim_end_matches('/').split('/').collect();
        let transport = words.iter().find_map(|&word| match word {
            "tcp" => Some(Transport::Tcp),
            "ws" => Some(Transport::WebSocket),
            _ => None,
        });
        let name =
            words.into_iter().filter(|word| !["tcp", "ws"].contains(word)).collect::<Vec<_>>().join("/");
        if let Some(workload) = workloads::parse(&name) {
            chosen.push((workload, transport));
            continue;
        }
        let beginning = format!("{name}/");
        let found =
            workloads::all(quick).into_iter().filter(|workload| workload.name().starts_with(&beginning));
        let before = chosen.len();
        chosen.extend(found.map(|workload| (workload, transport)));
        if chosen.len() == before {
            bail!("there is no workload {name}; --list says which there are");
        }
    }
    Ok(chosen)
}

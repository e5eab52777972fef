//! What the figures depend on besides the servers.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// The machine, as far as it decides the figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// How many cores this process may use.
    pub cores: usize,
    /// What the cores call themselves.
    pub model: String,
    /// All of its memory.
    pub memory_mib: u64,
    /// The kernel and its version.
    pub kernel: String,
    /// The distribution.
    pub system: String,
    /// The file system under the servers' data, and how it is mounted.
    pub file_system: String,
    /// How long it takes to append 4 KiB to a file there and to bring them to disk, a hundred times a second.
    pub fsync: Fsync,
    /// The same without a pause. A disk that is always asked answers sooner.
    pub fsync_without_pause: Fsync,
}

/// The time of one fsync after one small append.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fsync {
    /// Half of them took at most this long.
    pub p50_ms: f64,
    /// All but one in a hundred did.
    pub p99_ms: f64,
}

impl Machine {
    /// Looks at this machine, and for some seconds at the disk under `place`, a folder that is there.
    pub fn look(place: &Path) -> Result<Self> {
        Ok(Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            model: value("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.into()),
            memory_mib: value("/proc/meminfo", "MemTotal")
                .and_then(|text| text.split(' ').next().and_then(|number| number.parse::<u64>().ok()))
                .unwrap_or(0)
                / 1024,
            kernel: format!("Linux {}", read("/proc/sys/kernel/osrelease")),
            system: value("/etc/os-release", "PRETTY_NAME").unwrap_or_default().trim_matches('"').into(),
            file_system: file_system(place)?,
            fsync: Fsync::measure(place, Duration::from_millis(10))?,
            fsync_without_pause: Fsync::measure(place, Duration::ZERO)?,
        })
    }
}

impl Fsync {
    fn measure(place: &Path, pause: Duration) -> Result<Self> {
        const TIMES: usize = 300;
        let path = place.join("fsync");
        let mut file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut times = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            std::thread::sleep(pause);
            let begun = Instant::now();
            file.write_all(&[b'x'; 4096])?;
            file.sync_data()?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        fs::remove_file(&path)?;
        times.sort_by(f64::total_cmp);
        Ok(Self { p50_ms: times[TIMES / 2], p99_ms: times[TIMES * 99 / 100] })
    }
}

/// The commit that was measured, where git knows it.
pub fn revision(checkout: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(checkout).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--", "server", "protocol"])?;
    Some(if changed.is_empty() { commit } else { format!("{commit} and changes") })
}

fn read(path: &str) -> String {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// The value behind the first `key : value` or `key=value`.
fn value(path: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines().filter_map(|line| line.split_once([':', '=']));
    lines.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned())
}

/// The kind and the options of the mount that a place lies on.
fn file_system(place: &Path) -> Result<String> {
    let place = place.canonicalize().with_context(|| format!("cannot find {}", place.display()))?;
    let mounts = fs::read_to_string("/proc/self/mounts").context("cannot read the mounts")?;
    Ok(mount_of(&mounts, &place).unwrap_or_else(|| "unknown".into()))
}

fn mount_of(mounts: &str, place: &Path) -> Option<String> {
    mounts
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            Some((words.next()?, words.next()?, words.next()?))
        })
        .filter(|(folder, ..)| place.starts_with(folder))
        // Of mounts over each other the last one counts.
        .max_by_key(|(folder, ..)| folder.len())
        .map(|(_, kind, options)| format!("{kind} ({options})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_lies_on_its_innermost_mount() {
        let mounts = "/dev/a / ext4 rw,relatime 0 0\nproc /proc proc rw 0 0\ntmpfs /srv tmpfs rw,size=1 0 0\n\
                      /dev/b /srv xfs rw,noatime 0 0\n";
        let on = |place: &str| mount_of(mounts, Path::new(place)).unwrap();
        assert_eq!(on("/home/x"), "ext4 (rw,relatime)");
        assert_eq!(on("/srv/data"), "xfs (rw,noatime)");
        assert_eq!(on("/srvdata"), "ext4 (rw,relatime)");
    }

    #[test]
    fn a_machine_can_be_looked_at() {
        let place = tempfile::tempdir().unwrap();
        let machine = Machine::look(place.path()).unwrap();
        assert!(machine.cores > 0 && machine.memory_mib > 0, "{machine:?}");
        assert!(!machine.file_system.is_empty() && machine.fsync.p50_ms > 0.0, "{machine:?}");
    }
}

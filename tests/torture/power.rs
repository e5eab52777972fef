//! The power goes, which `kill -9` cannot show, since the page cache survives it.

use std::io::Write as _;
use std::path::Path;

use teahouse_tests::server;

use crate::audit::history;
use crate::disk::{Cut, Disk};
use crate::host::{Host, Spec};
use crate::link::{Link, Way, room};
use crate::load::{Crowd, Load};
use crate::run::{Run, Tally};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_power_goes() {
    let run = Run::begin("power");
    let mut random = run.random(1);
    let mut disk = Disk::new();
    let mut host = Host::start(&disk.data(), Spec::default()).await;
    let load = Load::begin(&run, &host, host.up(), Crowd::of("writer", 4, 16)).await;
    let mut damage = Tally::default();
    let cycles = run.pick(20, 100);
    for cycle in 0..cycles {
        if load.has_failed() {
            break;
        }
        if random.bool() {
            // Now and then in the middle of coming back.
            let more = if random.u8(..4) == 0 { random.u64(..4) } else { random.u64(10..250) };
            load.reins.acknowledged(more).await;
        } else {
            let due = disk.lose_power_at_fsync(random.u64(1..60));
            // Far more than fit into so many batches: a server that syncs nothing is found out too.
            tokio::select! {
                () = due => {}
                () = load.reins.acknowledged(10_000) => {}
            }
        }
        host.is_going_down();
        let torn = random.bool();
        disk.cut(if torn { Cut::Torn(&mut random) } else { Cut::Clean });
        host.kill().await;
        disk.power_on();
        let data = disk.copy_of_data();
        for problem in problems(data.path()).await {
            damage.lost += 1;
            damage.complain(format!("after cut {cycle} (torn: {torn}): {problem}"));
        }
        host.start_again().await;
    }
    load.reins.acknowledged(1).await;
    let mut tally = load.end(&host).await;
    host.stop().await;
    tally.add(damage);
    tally.cycles = cycles;
    tally.faults += cycles;
    run.finish(&tally);
}

/// What SQLite and the server's own `verify` find wrong with data that nobody uses.
pub(crate) async fn problems(data: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    let checked = rusqlite::Connection::open(data.join("teahouse.db")).and_then(|database| {
        database.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0))
    });
    match checked {
        Ok(verdict) if verdict == "ok" => {}
        Ok(verdict) => problems.push(verdict),
        Err(error) => problems.push(error.to_string()),
    }
    let mut verify = server::command(data);
    let output = verify.arg("verify").output().await.expect("the server's program starts");
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        problems.push(format!("verify: {}", String::from_utf8_lossy(&said)));
    }
    problems
}

/// Starts a server, whose power goes at so many fsyncs, and is on again. `None` when it got through all of its beginning.
async fn begin_and_be_cut(disk: &mut Disk, fsyncs: u64, how: Cut<'_>) -> Option<Host> {
    let mut host = Host::prepare(&disk.data(), Spec::default());
    let due = disk.lose_power_at_fsync(fsyncs);
    host.launch();
    let cut = tokio::select! {
        () = due => true,
        started = host.listening_or_end() => started.is_err(),
    };
    if !cut {
        host.stop().await;
        return None;
    }
    disk.cut(how);
    host.kill().await;
    disk.power_on();
    Some(host)
}

/// The power goes while the first start makes the database, at each fsync in turn, until a start gets through all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_can_be_cut_anywhere() {
    let run = Run::begin("power at the first start");
    let mut random = run.random(1);
    let mut tally = Tally::default();
    let rounds = run.pick(2, 10);
    for round in 0..rounds {
        for fsyncs in 1.. {
            let mut disk = Disk::new();
            // In the first round clean, then torn.
            let how = if round == 0 { Cut::Clean } else { Cut::Torn(&mut random) };
            tally.cycles += 1;
            let Some(mut host) = begin_and_be_cut(&mut disk, fsyncs, how).await else { break };
            tally.faults += 1;
            host.launch();
            if let Err(said) = host.listening_or_end().await {
                tally.lost += 1;
                tally.complain(format!("cut at fsync {fsyncs} of the first start: {said}"));
                continue;
            }
            let mut link = Link::open(host.address(), Way::Tcp).await.expect("the server accepts");
            link.hello_as_anybody().await.expect("the server welcomes");
            link.join(&room("lobby")).await.expect("the server writes");
            drop(link);
            host.stop().await;
        }
    }
    run.finish(&tally);
}

/// Databases of earlier versions.
const EARLIER: [&[u8]; 2] = [
    include_bytes!("../../server/src/log/fixtures/version-1.db"),
    include_bytes!("../../server/src/log/fixtures/version-2.db"),
];
/// The bytes of a database's header that say which version it is of.
const VERSION: std::ops::Range<usize> = 60..64;

/// Brings a database to a disk.
fn put(database: &[u8], data: &Path) -> std::io::Result<()> {
    std::fs::create_dir(data)?;
    let mut file = std::fs::File::create(data.join("teahouse.db"))?;
    file.write_all(database)?;
    file.sync_all()?;
    for folder in [data, data.parent().expect("a folder of the disk")] {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The power goes while a start migrates a database of an earlier version, at each fsync in turn, until a start gets
/// through all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_can_be_cut_anywhere() {
    let run = Run::begin("power at a migration");
    let mut random = run.random(1);
    let mut tally = Tally::default();
    let rounds = run.pick(2, 10);
    for round in 0..rounds {
        for (version, database) in (1..).zip(EARLIER) {
            let mut seen_earlier = 0;
            for fsyncs in 1.. {
                let mut disk = Disk::new();
                put(database, &disk.data()).expect("the disk works");
                // In the first round clean, then torn.
                let how = if round == 0 { Cut::Clean } else { Cut::Torn(&mut random) };
                tally.cycles += 1;
                let Some(mut host) = begin_and_be_cut(&mut disk, fsyncs, how).await else { break };
                tally.faults += 1;
                let data = disk.copy_of_data();
                let left = std::fs::read(data.path().join("teahouse.db")).expect("it is there");
                seen_earlier += u64::from(left[VERSION] == database[VERSION]);
                let mut found = problems(data.path()).await;
                host.launch();
                match host.listening_or_end().await {
                    Ok(()) => {
                        let (_, events) = history(host.address(), &room("茶")).await.expect("readable");
                        let expected = [3, 9][version - 1];
                        if events.len() != expected {
                            found.push(format!("{} events, not {expected}", events.len()));
                        }
                        host.stop().await;
                    }
                    Err(said) => found.push(said.to_string()),
                }
                for problem in found {
                    tally.lost += 1;
                    tally.complain(format!("version {version}, cut at fsync {fsyncs}: {problem}"));
                }
            }
            assert!(seen_earlier > 0, "nothing was cut in the middle of a migration");
        }
    }
    run.finish(&tally);
}

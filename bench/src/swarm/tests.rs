//! The swarm against the floor, and against a server between them that does wrong: all of it over real sockets.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::floor;
use crate::ledger::Faults;
use crate::peer::{Peer, Transport};
use crate::peers::floor::Floor;
use crate::swarm::{Load, Plan, Stretch, Swarm};

const MEMBERS: usize = 3;
const POSTS: u64 = 200;

fn start_floor() -> SocketAddr {
    let listener = floor::listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || floor::serve(&listener));
    address
}

/// Stands before the floor. What comes from the floor goes on line by line as `change` wants it, which is told the line's
/// number on its connection; line 0 is the answer to joining.
fn start_meddler(change: fn(usize, String) -> Vec<String>) -> SocketAddr {
    let floor = start_floor();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let server = TcpStream::connect(floor).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from, &mut to));
            thread::spawn(move || {
                let mut client = client;
                for (number, line) in BufReader::new(server).lines().enumerate() {
                    let Ok(line) = line else { break };
                    for line in change(number, line) {
                        if client.write_all(format!("{line}\n").as_bytes()).is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    address
}

fn swarm(address: SocketAddr) -> Swarm {
    let mut swarm = Swarm::new(address, Floor.dialect(Transport::Tcp)).unwrap();
    swarm.add_posters(1, 1).unwrap();
    let members = swarm.members(0..1, MEMBERS, 1);
    swarm.add(members).unwrap();
    swarm.settle().unwrap();
    swarm
}

fn post(address: SocketAddr) -> Stretch {
    let plan = Plan {
        posts_max: POSTS,
        ..Plan::posting(Load::Paced { per_second: 10_000.0 }, 64, Duration::from_millis(100))
    };
    swarm(address).carry_out(plan, |_| ()).unwrap().0
}

#[test]
fn everything_comes_from_the_floor_whatever_the_load() {
    let mut swarm = swarm(start_floor());
    for load in [Load::Paced { per_second: 2_000.0 }, Load::Flood { window: 100 }] {
        let plan = Plan::posting(load, 128, Duration::from_millis(100));
        let (stretch, ()) = swarm.carry_out(plan, |_| ()).unwrap();
        assert!(stretch.whole(), "{:?} {:?}", stretch.faults, stretch.complaints());
        assert!(stretch.posts > 0);
        assert_eq!(stretch.deliveries, stretch.posts * MEMBERS as u64);
        assert_eq!(stretch.latencies.len(), stretch.deliveries);
    }
}

#[test]
fn a_paced_load_skips_no_post() {
    let stretch = post(start_floor());
    assert_eq!(stretch.posts, POSTS);
    assert!(stretch.whole());
}

#[test]
fn a_server_that_doubles_is_noticed() {
    let stretch = post(start_meddler(|number, line| match number {
        7 => vec![line.clone(), line],
        _ => vec![line],
    }));
    assert_eq!(stretch.faults, Faults { doubled: MEMBERS as u64, ..Faults::default() });
    assert_eq!(stretch.over, (MEMBERS as u64, MEMBERS as u64));
}

#[test]
fn a_server_that_changes_the_order_is_noticed() {
    use std::cell::RefCell;
    thread_local!(static LATE: RefCell<Option<String>> = const { RefCell::new(None) });
    let stretch = post(start_meddler(|number, line| match number {
        7 => {
            LATE.set(Some(line));
            Vec::new()
        }
        8 => vec![line, LATE.take().unwrap()],
        _ => vec![line],
    }));
    assert_eq!(stretch.faults, Faults { reordered: MEMBERS as u64, ..Faults::default() });
    assert!(!stretch.whole());
}

#[test]
fn a_server_that_loses_is_noticed() {
    let stretch = post(start_meddler(|number, line| match number {
        7 | 200 => Vec::new(),
        _ => vec![line],
    }));
    assert_eq!(stretch.faults, Faults { missing: 2 * MEMBERS as u64, ..Faults::default() });
    assert_eq!(stretch.short, (MEMBERS as u64, 2 * MEMBERS as u64));
}

#[test]
fn whoever_stalls_counts_again_when_it_has_caught_up() {
    let mut swarm = swarm(start_floor());
    let stalled = swarm.stall_one().unwrap();
    let load = Load::Paced { per_second: 2_000.0 };
    let (stretch, ()) =
        swarm.carry_out(Plan::posting(load, 128, Duration::from_millis(100)), |_| ()).unwrap();
    assert!(stretch.whole(), "{:?} {:?}", stretch.faults, stretch.complaints());
    assert_eq!(stretch.deliveries, stretch.posts * (MEMBERS as u64 - 1));
    assert_eq!(swarm.catch_up(stalled, Duration::from_secs(20)).unwrap(), 0.0);
    assert_eq!(swarm.faults(), Faults::default());
}

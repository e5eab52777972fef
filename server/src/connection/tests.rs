use std::io::IoSlice;
use std::mem::size_of;
use std::sync::{Mutex, MutexGuard};

use teahouse_protocol::Epoch;

use super::*;
use crate::clock::Clock;
use crate::directory::Directory;
use crate::door::JsonDoor;
use crate::fanout::Feed;
use crate::house::Patience;
use crate::lanes::Lanes;
use crate::log;
use crate::order::{self, Order, Worker};
use crate::origins::Origins;
use crate::pace::Pace;
use crate::proxies::Proxies;
use crate::seat::Seat;

fn bytes_of_future<F>(_: impl Fn(Box<Connection>) -> F) -> usize {
    size_of::<F>()
}

/// Ten thousand idle connections are what the budget for memory counts (`idle/10000` of the bench).
#[test]
fn a_connection_that_waits_is_small() {
    let task = bytes_of_future(Connection::run);
    assert!(task <= 104, "run() takes {task} bytes; with 104 a task has 256, beyond it 384");
    let connection = size_of::<Connection>();
    assert!(connection <= 336, "a connection takes {connection} bytes, and 336 were enough");
    let outlet = size_of::<Outlet<TcpStream>>();
    assert!(outlet <= 288, "an outlet takes {outlet} bytes, and 288 were enough");
}

/// A socket whose peer is the test.
#[derive(Debug, Clone, Default)]
struct Wire(Arc<Mutex<Ends>>);

#[derive(Debug, Default)]
struct Ends {
    arrived: Vec<u8>,
    writes: Vec<String>,
    full: bool,
}

impl Wire {
    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().expect("no test panics with it")
    }
}

impl Socket for Wire {
    fn send(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut ends = self.ends();
        if ends.full {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let bytes = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        let write = String::from_utf8(bytes).expect("JSON");
        ends.writes.push(write.clone());
        Ok(write.len())
    }

    fn send_or_await(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.send(slices)
    }

    fn receive(&self, buffer: &mut [u8], _: bool) -> io::Result<Option<usize>> {
        let arrived = std::mem::take(&mut self.ends().arrived);
        buffer[..arrived.len()].copy_from_slice(&arrived);
        Ok(Some(arrived.len()).filter(|bytes| *bytes > 0))
    }
}

/// A server without its threads and tasks, and a guest of one room that it watches.
struct Stage {
    worker: Worker,
    wire: Wire,
    connection: Box<Connection<Wire>>,
    _data: tempfile::TempDir,
}

impl Stage {
    fn set() -> Self {
        let data = tempfile::tempdir().expect("there is room");
        let clock = Clock::default();
        let epoch = Epoch::parse("test").expect("legal");
        let (mut log, mut model, reader) = log::open(data.path(), &epoch).expect("the log opens");
        order::prepare(&mut log, &mut model, &clock).expect("the disk works");
        let minute = Duration::from_secs(60);
        let patience = Patience { handshake: minute, silence: minute, lease: minute, stalled: minute };
        let directory = Arc::new(Directory::new(patience.lease, clock.clone()));
        directory.restore(&model, &mut Vec::new());
        let (order, worker) = Order::new(log, model, Arc::clone(&directory), clock.clone());
        let (origins, proxies) = (Origins::new(Vec::new()), Proxies::new(Vec::new()));
        let (lanes, pace) = (Lanes::by_hand(), Pace::default());
        let house = House::new(directory, order, reader, lanes, clock, patience, pace, origins, proxies);
        let wire = Wire::default();
        let door = Door::Json(JsonDoor::default());
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let connection = Connection::new(wire.clone(), peer, Arc::new(house), door, &[], Instant::now());
        let mut stage = Self { worker, wire, connection, _data: data };
        stage.say(
            r#"{"id":1,"type":"hello","protocol":1,"auth":{"type":"guest","name":"ana"}}
{"id":2,"type":"join","room":"lobby"}
{"id":3,"type":"watch","room":"lobby"}
"#,
        );
        for _ in 0..3 {
            stage.commit().iter().for_each(|room| room.walk());
            stage.step();
        }
        assert!(stage.wire.ends().writes.concat().contains(r#""type":"watching""#));
        stage.wire.ends().writes.clear();
        assert!(!stage.connection.is_called());
        stage
    }

    fn say(&mut self, lines: &str) {
        self.wire.ends().arrived.extend_from_slice(lines.as_bytes());
        self.connection.read().expect("the wire holds");
        self.step();
    }

    /// What the task does, whoever called it.
    fn step(&mut self) {
        self.connection.is_called();
        while self.connection.step().expect("the wire holds") == Next::More {}
    }

    fn commit(&mut self) -> Vec<Arc<Feed>> {
        let written = self.worker.write_batch(|batch| batch.commit());
        self.worker.publish(written)
    }

    /// The kinds of what was written, write by write.
    fn writes(&self) -> Vec<Vec<String>> {
        let kind = |line: &str| {
            let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
            format!("{} {}", value["type"].as_str().expect("a type"), value["re"]).replace(" null", "")
        };
        let writes = std::mem::take(&mut self.wire.ends().writes);
        writes.iter().map(|write| write.lines().map(kind).collect()).collect()
    }
}

fn post(id: u32, room: &str) -> String {
    format!("{{\"id\":{id},\"type\":\"post\",\"room\":\"{room}\",\"text\":\"hello\"}}\n")
}

#[test]
fn a_post_and_its_answer_are_one_write_and_wake_nobody() {
    let mut stage = Stage::set();
    stage.say(&(post(4, "lobby") + &post(5, "lobby")));
    let news = stage.commit();
    assert!(!stage.connection.is_called(), "the herald brings the answers");
    assert!(stage.writes().is_empty());
    news.iter().for_each(|room| room.walk());
    assert_eq!(stage.writes(), [["ack 4", "ack 5", "event", "event"]]);
    assert!(!stage.connection.is_called());
    stage.connection.settle();
    assert!(stage.connection.is_settled(), "it learns of them when it looks");
}

#[test]
fn answers_stay_in_order_where_one_was_there_at_once() {
    let mut stage = Stage::set();
    stage.say(&(post(4, "lobby") + &post(5, "nowhere") + &post(6, "lobby")));
    let news = stage.commit();
    assert!(stage.connection.is_called(), "the answer to 5 lies in the session");
    news.iter().for_each(|room| room.walk());
    stage.step();
    let written: Vec<String> = stage.writes().concat();
    let answers: Vec<&String> = written.iter().filter(|kind| *kind != "event").collect();
    assert_eq!(answers, ["ack 4", "error 5", "ack 6"]);
}

#[test]
fn whoever_waits_for_an_answer_is_woken_by_it() {
    let mut stage = Stage::set();
    stage.say(&(post(4, "lobby") + "{\"id\":5,\"type\":\"ping\"}\n"));
    stage.commit();
    assert!(stage.connection.is_called());
    stage.step();
    assert_eq!(stage.writes().concat()[..2], ["ack 4", "pong 5"]);
}

#[test]
fn an_answer_that_the_socket_does_not_take_waits_before_what_comes_later() {
    let mut stage = Stage::set();
    stage.say(&post(4, "lobby"));
    stage.wire.ends().full = true;
    stage.commit().iter().for_each(|room| room.walk());
    assert!(stage.connection.is_called(), "its task waits for the socket");
    stage.step();
    stage.say(&post(5, "lobby"));
    stage.commit().iter().for_each(|room| room.walk());
    assert!(stage.writes().is_empty());
    stage.wire.ends().full = false;
    stage.step();
    let written = stage.writes().concat();
    let place = |wanted: &str| written.iter().position(|kind| kind == wanted);
    assert!(place("ack 4").is_some() && place("ack 4") < place("ack 5"), "{written:?}");
    assert_eq!(written.iter().filter(|kind| *kind == "event").count(), 2);
}

#[test]
fn whoever_asked_is_answered_before_the_goodbye() {
    let mut stage = Stage::set();
    stage.say(&post(4, "lobby"));
    Seat::shut_down(&*stage.connection.outlet);
    stage.step();
    assert!(stage.writes().is_empty(), "the answer comes first");
    stage.commit().iter().for_each(|room| room.walk());
    stage.step();
    assert_eq!(stage.writes().concat(), ["ack 4", "goodbye"]);
}

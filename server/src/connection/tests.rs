use std::mem::size_of;

use super::*;

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

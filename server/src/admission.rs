//! How many connections there are, in all and of each address, and each from accept to close.

mod visit;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use visit::Visit;

use crate::pace::Address;

/// How many connections there may be; `None` for any number.
#[derive(Debug, Clone, Copy, Default)]
pub struct Capacity {
    /// In all.
    pub connections: Option<usize>,
    /// Of one address.
    pub of_address: Option<usize>,
}

/// How many connections there are, in all and of each address.
#[derive(Debug, Default)]
pub struct Admission {
    capacity: Capacity,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    connections: usize,
    of_address: HashMap<Address, usize>,
}

/// That a connection was let in; given back when dropped.
#[derive(Debug)]
pub struct Pass {
    admission: Arc<Admission>,
    address: Option<Address>,
    /// Whether it is one of all connections, and not the client behind one that is counted already.
    counts: bool,
}

/// Why a connection is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Crowded {
    /// All places are taken.
    #[error("this server has {0} connections, which is the most; try again later")]
    Server(usize),
    /// All places of the address are taken.
    #[error("this server has {0} connections of your address, which is the most; close one first")]
    Address(usize),
    /// The address connects too often.
    #[error("your address connects too often; try again in a few seconds")]
    Pace,
}

impl Admission {
    /// Nobody is here.
    pub fn new(capacity: Capacity) -> Self {
        Self { capacity, ..Self::default() }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a connection in. Without an address it is a proxy's, which speaks for many.
    pub(crate) fn enter(self: &Arc<Self>, address: Option<Address>) -> Result<Pass, Crowded> {
        let mut open = self.open();
        if let Some(most) = self.capacity.connections.filter(|most| open.connections >= *most) {
            return Err(Crowded::Server(most));
        }
        if let Some(address) = address {
            self.count(&mut open, address)?;
        }
        open.connections += 1;
        Ok(Pass { admission: Arc::clone(self), address, counts: true })
    }

    fn count(&self, open: &mut Open, address: Address) -> Result<(), Crowded> {
        let here = open.of_address.get(&address).copied().unwrap_or(0);
        if let Some(most) = self.capacity.of_address.filter(|most| here >= *most) {
            return Err(Crowded::Address(most));
        }
        open.of_address.insert(address, here + 1);
        Ok(())
    }
}

impl Pass {
    /// Counts the client that a proxy's connection speaks for.
    pub(super) fn for_client(&self, address: Address) -> Result<Self, Crowded> {
        let admission = Arc::clone(&self.admission);
        admission.count(&mut admission.open(), address)?;
        Ok(Self { admission, address: Some(address), counts: false })
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut open = self.admission.open();
        open.connections -= usize::from(self.counts);
        if let Some(address) = self.address
            && let Some(here) = open.of_address.get_mut(&address)
        {
            *here -= 1;
            if *here == 0 {
                open.of_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_and_given_back() {
        let capacity = Capacity { connections: Some(5), of_address: Some(3) };
        let admission = Arc::new(Admission::new(capacity));
        let address = |last: u8| Some(Address::of(std::net::IpAddr::from([10, 0, 0, last])));
        let mut passes: Vec<Pass> =
            (0..3).map(|_| admission.enter(address(1)).expect("there is room")).collect();
        assert_eq!(admission.enter(address(1)).map(drop), Err(Crowded::Address(3)));
        passes.push(admission.enter(None).expect("a proxy"));
        let behind = passes[3].for_client(Address::of(std::net::IpAddr::from([10, 0, 0, 1])));
        assert_eq!(behind.map(drop), Err(Crowded::Address(3)), "clients of a proxy are counted too");
        passes.push(admission.enter(address(2)).expect("there is room"));
        passes.push(
            passes[3].for_client(Address::of(std::net::IpAddr::from([10, 0, 0, 4]))).expect("the first"),
        );
        assert_eq!(admission.enter(address(3)).map(drop), Err(Crowded::Server(5)));
        passes.clear();
        assert!(admission.open().of_address.is_empty() && admission.open().connections == 0);
        assert!(admission.enter(address(1)).is_ok());
    }
}

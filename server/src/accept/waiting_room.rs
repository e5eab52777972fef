use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::pace::Address;

/// The most connections that have said nothing, from one address.
const SILENT_PER_ADDRESS_MAX: usize = 32;
/// The most connections that have said nothing, in all.
const SILENT_MAX: usize = 1_000;

/// Connections that have said nothing yet. When there are too many, the oldest has to go.
#[derive(Debug, Default)]
pub struct WaitingRoom {
    seats: Mutex<Seats>,
}

#[derive(Debug, Default)]
struct Seats {
    next_ticket: u64,
    taken: BTreeMap<u64, (Option<Address>, Arc<Notify>)>,
    per_address: HashMap<Address, usize>,
}

/// Says in which order connections came.
pub(super) struct Ticket {
    room: Arc<WaitingRoom>,
    number: u64,
    address: Option<Address>,
}

/// A place in the waiting room; given back when dropped.
pub(super) struct Seat {
    room: Arc<WaitingRoom>,
    number: u64,
    call: Arc<Notify>,
}

impl WaitingRoom {
    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` for a trusted proxy, which is not one client but many.
    pub(super) fn draw_ticket(self: &Arc<Self>, address: Option<Address>) -> Ticket {
        let mut seats = self.seats();
        let number = seats.next_ticket;
        seats.next_ticket += 1;
        drop(seats);
        Ticket { room: Arc::clone(self), number, address }
    }
}

impl Ticket {
    /// Takes a seat; where too many are taken, whoever came first has to go.
    pub(super) fn take_seat(self) -> Seat {
        let Self { room, number, address } = self;
        let call = Arc::new(Notify::new());
        let mut seats = room.seats();
        seats.taken.insert(number, (address, Arc::clone(&call)));
        let from_here = address.map_or(0, |address| {
            let from_here = seats.per_address.entry(address).or_default();
            *from_here += 1;
            *from_here
        });
        let oldest = if from_here > SILENT_PER_ADDRESS_MAX {
            seats.taken.iter().find(|(_, (other, _))| *other == address).map(|(number, _)| *number)
        } else if seats.taken.len() > SILENT_MAX {
            seats.taken.keys().next().copied()
        } else {
            None
        };
        if let Some(oldest) = oldest {
            seats.call_up(oldest);
        }
        drop(seats);
        Seat { room, number, call }
    }
}

impl Seats {
    fn call_up(&mut self, number: u64) {
        if let Some(call) = self.give_back(number) {
            call.notify_one();
        }
    }

    fn give_back(&mut self, number: u64) -> Option<Arc<Notify>> {
        let (address, call) = self.taken.remove(&number)?;
        if let Some(address) = address
            && let Some(from_there) = self.per_address.get_mut(&address)
        {
            *from_there -= 1;
            if *from_there == 0 {
                self.per_address.remove(&address);
            }
        }
        Some(call)
    }
}

impl Seat {
    /// Until the seat is needed for somebody else.
    pub(super) async fn called_up(&self) {
        self.call.notified().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.room.seats().give_back(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<Address> {
        Some(Address::of(std::net::IpAddr::from([10, 0, 0, last])))
    }

    fn is_called_up(seat: &Seat) -> bool {
        !seat.room.seats().taken.contains_key(&seat.number)
    }

    #[test]
    fn the_oldest_of_a_crowded_address_goes_first() {
        let room = Arc::new(WaitingRoom::default());
        let other = room.draw_ticket(address(2)).take_seat();
        let seats: Vec<Seat> =
            (0..=SILENT_PER_ADDRESS_MAX).map(|_| room.draw_ticket(address(1)).take_seat()).collect();
        assert!(is_called_up(&seats[0]));
        assert!(!is_called_up(&seats[1]) && !is_called_up(&other));
        drop(seats);
        assert_eq!(room.seats().taken.len(), 1);
        assert_eq!(room.seats().per_address.len(), 1);
    }

    #[test]
    fn a_proxy_may_bring_many() {
        let room = Arc::new(WaitingRoom::default());
        let seats: Vec<Seat> =
            (0..=SILENT_PER_ADDRESS_MAX).map(|_| room.draw_ticket(None).take_seat()).collect();
        assert!(!is_called_up(&seats[0]));
    }

    #[test]
    fn the_oldest_of_all_goes_when_the_room_is_full() {
        let room = Arc::new(WaitingRoom::default());
        let seats: Vec<Seat> =
            (0..=SILENT_MAX).map(|n| room.draw_ticket(address((n % 200) as u8)).take_seat()).collect();
        assert!(is_called_up(&seats[0]) && !is_called_up(&seats[1]));
    }
}

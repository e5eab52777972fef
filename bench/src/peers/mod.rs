//! The servers that are loaded beside each other.

mod bun;
pub mod floor;
mod jetstream;
mod mosquitto;
mod nats;
mod python;
pub mod teahouse;

use crate::peer::Peer;

/// The servers that others have made.
pub fn others() -> Vec<Box<dyn Peer>> {
    vec![
        Box::new(bun::Bun),
        Box::new(nats::Nats),
        Box::new(jetstream::JetStream),
        Box::new(mosquitto::Mosquitto),
        Box::new(python::Python),
    ]
}

//! What the brain does, input by input, in virtual time. The desk plays driver and server.

mod commands;
mod desk;
mod doubt;
mod following;
mod link;
mod posts;
mod reading;
mod rooms;
mod rows;
mod shared;
mod showing;
mod standing;
mod watching;
mod whose;

//! The brain of a Teahouse client.

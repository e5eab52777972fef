//! The Teahouse server.

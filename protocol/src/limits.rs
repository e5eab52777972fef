//! Every limit of the wire, with its unit last in the name. `PROTOCOL.md` lists what happens at each of them.

/// The longest line over TCP or message over WebSocket of a client, in bytes, without its line ending. A longer one closes the
/// connection. Any text that [`TEXT_CHARS_MAX`] allows fits, though all its characters be written as two escapes of JSON.
pub const LINE_BYTES_MAX: usize = 128 * 1024;
/// The longest line or message that a server sends, in bytes, without its line ending. A client that gets a longer one closes
/// the connection and asks for less.
pub const SERVER_MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// The longest text of a post, in characters (Unicode scalar values).
pub const TEXT_CHARS_MAX: usize = 8_000;
/// The longest member name or room handle, in characters (Unicode scalar values) after NFC.
pub const NAME_CHARS_MAX: usize = 32;
/// The longest operation id, in bytes.
pub const OP_BYTES_MAX: usize = 64;
/// The longest `client` field of `hello`, in characters.
pub const CLIENT_CHARS_MAX: usize = 64;
/// The most events that one `history` page carries.
pub const HISTORY_EVENTS_MAX: usize = 200;
/// How many events a `history` page carries when the request does not say.
pub const HISTORY_EVENTS_DEFAULT: usize = 50;
/// The most rooms that one `rooms` reply carries.
pub const ROOMS_PAGE_MAX: usize = 200;
/// The most members that one `who` reply carries.
pub const WHO_MEMBERS_MAX: usize = 1_000;
/// The most rooms that one connection watches at a time.
pub const WATCHES_MAX: usize = 1_000;
/// The most posts of one connection that the server works on at a time; a further one waits in the socket.
pub const POSTS_IN_FLIGHT_MAX: usize = 256;
/// The most rooms that one user is a member of.
pub const ROOMS_JOINED_MAX: usize = 1_000;
/// The most rooms that a server holds.
pub const ROOMS_MAX: usize = 100_000;
/// So many bad lines in a row close the connection.
pub const BAD_LINES_MAX: u32 = 100;
/// The largest whole number on the wire: what a JavaScript number holds exactly, 2^53 - 1.
pub const INTEGER_MAX: u64 = (1 << 53) - 1;
/// A client that hears nothing for so long asks with `ping`, in milliseconds.
pub const PING_AFTER_MS: u64 = 25_000;

//! Every limit of the brain, with its unit last in the name, and what happens there.

/// The most posts that wait for their acknowledgement, over all rooms; a further one stays in its draft.
pub const OUTBOX_POSTS_MAX: usize = 1_000;
/// The most text that waits for its acknowledgement, over all rooms, in bytes; a further post stays in its draft.
pub const OUTBOX_BYTES_MAX: usize = 1024 * 1024;
/// The most events of one room held in memory; the oldest go first, or those that are far from where the user reads.
pub const TIMELINE_EVENTS_MAX: usize = 5_000;
/// The most events held of a room that is not open.
pub const INACTIVE_TIMELINE_EVENTS_MAX: usize = 200;
/// The most rooms of the server's list that are remembered.
pub const ROOMS_LISTED_MAX: usize = 1_000;
/// The most members of one room that are remembered; the count goes on.
pub const MEMBERS_LISTED_MAX: usize = 1_000;
/// The longest draft that is kept, in bytes; a longer one is kept in memory by the view alone.
pub const DRAFT_BYTES_MAX: usize = 64 * 1024;
/// How long opening the link may take, in milliseconds.
pub const OPEN_WITHIN_MS: u64 = 10_000;
/// How long the answer to `hello` may take, in milliseconds.
pub const HELLO_WITHIN_MS: u64 = 10_000;
/// How long the answer to `ping` may take, in milliseconds.
pub const PONG_WITHIN_MS: u64 = 10_000;
/// The upper end of the first delay before connecting again, in milliseconds; it doubles with each failure.
pub const BACKOFF_FIRST_MS: u64 = 1_000;
/// The upper end that the delay grows to while the trouble is young, in milliseconds.
pub const BACKOFF_EARLY_MAX_MS: u64 = 4_000;
/// How long trouble is young, in milliseconds.
pub const BACKOFF_EARLY_FOR_MS: u64 = 60_000;
/// The upper end that the delay grows to later, in milliseconds.
pub const BACKOFF_MAX_MS: u64 = 30_000;
/// The shortest delay before connecting again, in milliseconds.
pub const BACKOFF_MIN_MS: u64 = 500;
/// How long trouble with the link stays unmentioned, in milliseconds.
pub const BANNER_AFTER_MS: u64 = 2_000;
/// Messages of one author within this time form a group, in milliseconds.
pub const GROUP_WITHIN_MS: u64 = 5 * 60_000;
/// The longest pause that the brain makes because a server asks for it, in milliseconds.
pub const RETRY_AFTER_MAX_MS: u64 = 5 * 60_000;

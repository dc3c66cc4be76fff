//! Every limit of the engine and its doors, in one place, with the reason for its size.
//! What an operator may change is an option of the server and starts from the value here.

/// Names of queues and exchanges, routing keys and consumer tags: an AMQP short string (spec 4.2.5.3).
pub const NAME_BYTES: usize = 255;

/// The body of one message. RabbitMQ's default since 4.0; SQS allows 1 MiB.
pub const MESSAGE_BODY_BYTES: usize = 16 << 20;

/// The property list of one message, headers included: it must fit one frame of the default size.
pub const MESSAGE_PROPERTIES_BYTES: usize = 128 << 10;

/// The id of an access key, and its secret (AWS: ids of up to 128 characters, secrets of 40).
pub const ACCESS_KEY_BYTES: usize = 128;

/// Access keys of one user (AWS: two). They are counted whenever one is made.
pub const ACCESS_KEYS_PER_USER: usize = 100;

/// AMQP `frame_max` as offered; RabbitMQ's default.
pub const FRAME_BYTES: usize = 128 << 10;

/// AMQP `channel_max` as offered; RabbitMQ's default.
pub const CHANNELS_PER_CONNECTION: u16 = 2047;

/// Seconds between heartbeats as offered; RabbitMQ's default.
pub const HEARTBEAT_SECONDS: u16 = 60;

/// How deep a field table may nest: deeper ones are refused before they cost stack.
pub const TABLE_DEPTH: usize = 32;

/// One encoded field table, its length prefix not counted. What clients send must fit a frame and is stopped there;
/// this bounds what becomes of it when the broker adds headers.
pub const TABLE_BYTES: usize = 1 << 20;

/// Queues that one message may reach in one publish. A fanout wider than this is refused.
pub const QUEUES_PER_MESSAGE: usize = 16_384;

/// Exchanges that one message may pass on its way to queues, each at most once.
pub const EXCHANGES_PER_MESSAGE: usize = 4_096;

/// How long the name of a deleted queue is kept from new ones by a door that does so (SQS: a minute).
pub const RETIRED_NAME_MS: u64 = 60 * 1_000;

/// Such names of one vhost; beyond it the oldest is free again.
pub const RETIRED_NAMES: usize = if cfg!(test) { 100 } else { 100_000 };

/// Delayed messages wait at most so long: RabbitMQ's delayed exchange takes up to 2^32-1 ms.
pub const DELAY_MS: u64 = u32::MAX as u64;

/// How long a queue that deduplicates knows a message again (SQS: five minutes).
pub const DEDUPLICATION_MS: u64 = 5 * 60 * 1_000;

/// Messages of topics that one shard knows again at once; beyond it the oldest is not known any more. They take about
/// 100 MB; SQS's FIFO topics take 3,000 messages a second, which is fewer.
pub const TOPIC_DUPLICATES: usize = if cfg!(test) { 100 } else { 1 << 20 };

/// How long a receive can be repeated by its attempt id (SQS: five minutes).
pub const RECEIVE_ATTEMPT_MS: u64 = 5 * 60 * 1_000;

/// Receives of one queue that can be repeated at once; beyond it the oldest cannot any more.
pub const RECEIVE_ATTEMPTS: usize = 10_000;

/// Messages of one queue that are held under receipts at once (SQS: about 120,000).
pub const RECEIPTS_PER_QUEUE: u64 = 120_000;

/// Bytes of deliveries that a shard hands to a connection before the connection has written them out.
/// One more message may exceed it, whatever its size.
pub const CONNECTION_WINDOW_BYTES: i64 = 1 << 20;

/// Deliveries that a shard hands to a connection before the connection has written them out.
pub const CONNECTION_WINDOW_MESSAGES: i64 = 4_096;

/// Entries of a ready list that stay in memory at its head before pages are cut from its tail.
/// Unit tests of the engine have small pages, to have many of them.
pub const READY_HEAD_ENTRIES: usize = if cfg!(test) { 64 } else { 4_096 };

/// Entries of one page of a deep queue.
pub const PAGE_ENTRIES: usize = if cfg!(test) { 16 } else { 1_024 };

/// Entries left at the head of a deep queue when its next page is fetched.
pub const PAGE_AHEAD_ENTRIES: usize = if cfg!(test) { 32 } else { 2_048 };

/// Live bytes of an AMQP channel's publish that is still arriving, over all channels of a connection.
pub const ASSEMBLY_BYTES_PER_CONNECTION: usize = 2 * MESSAGE_BODY_BYTES;

/// The text of a filter policy (SNS: 256 KB), and the paths of its keys written out.
pub const FILTER_POLICY_BYTES: usize = 256 << 10;

/// Keys of a filter policy; of what nests, only the outermost count (SNS).
pub const FILTER_POLICY_KEYS: usize = 5;

/// Combinations of a filter policy: over its keys, conditions times depth, multiplied (SNS).
pub const FILTER_POLICY_COMBINATIONS: u64 = 150;

/// Conditions of a filter policy, each value that `anything-but` excludes included. Combinations do not bound them: this
/// keeps what one message costs within reason.
pub const FILTER_POLICY_CONDITIONS: usize = 1_000;

/// Messages that an exchange of the kind `x-recent-history` may be told to remember. RabbitMQ has no limit.
pub const RECENT_HISTORY_MESSAGES: usize = 10_000;

/// Bytes of what such exchanges remember, all together: beyond it, the one that takes a message gives up its oldest.
pub const RECENT_HISTORY_BYTES: usize = if cfg!(test) { 10 << 10 } else { 64 << 20 };

/// Deliveries of a quorum-style dead-letter transfer under way at once, per queue (RabbitMQ's prefetch is 32).
pub const TRANSFERS_UNDER_WAY: usize = 1_024;

const _: () = assert!(PAGE_AHEAD_ENTRIES < READY_HEAD_ENTRIES, "a page is fetched before the head runs dry");
const _: () = assert!(MESSAGE_PROPERTIES_BYTES < TABLE_BYTES, "headers have room for what the broker adds");
const _: () = assert!(MESSAGE_PROPERTIES_BYTES <= FRAME_BYTES, "a content header is one frame");

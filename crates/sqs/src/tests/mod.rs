//! The door, bytes in and bytes out, over a catalog and two shards with logs in memory.

mod actions;
mod client;
mod cooldowns;
mod damage;
mod delays;
mod fifo_topics;
mod identity;
mod promises;
pub(crate) mod random;
mod waiting;

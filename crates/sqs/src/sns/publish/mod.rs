//! Publish: from a message for a topic to messages in queues.

mod deliver;
mod envelope;
mod message;
#[path = "publish.rs"]
mod publish_action;

pub use envelope::Signer;
pub(super) use publish_action::{publish, publish_batch};

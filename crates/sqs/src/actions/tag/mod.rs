//! Tags of queues.

mod list_queue_tags;
mod tag_queue;
mod untag_queue;

pub(super) use list_queue_tags::list_queue_tags;
pub(super) use tag_queue::{check_tags, tag_queue};
pub(super) use untag_queue::untag_queue;

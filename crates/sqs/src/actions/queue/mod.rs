//! Queues: made, changed, listed, emptied, deleted.

mod attributes;
mod create_queue;
mod delete_queue;
mod get_queue_attributes;
mod get_queue_url;
mod list_queues;
mod purge_queue;
mod redrive_policy;
mod set_queue_attributes;

pub(crate) use attributes::is_fifo;
pub(super) use attributes::shown;
pub(super) use create_queue::create_queue;
pub(super) use delete_queue::delete_queue;
pub(super) use get_queue_attributes::get_queue_attributes;
pub(super) use get_queue_url::get_queue_url;
pub(super) use list_queues::{list_queues, page};
pub(super) use purge_queue::purge_queue;
pub(super) use set_queue_attributes::set_queue_attributes;

//! Messages: sent, received, held longer, deleted.

mod attributes;
mod batch;
mod change_message_visibility;
mod delete_message;
mod receipt_handle;
mod receive_message;
mod send_message;
mod shown;

pub(crate) use attributes::{ATTRIBUTES, check_name as check_attribute_name, size as attributes_size};
pub(crate) use batch::is_entry_id;
pub(super) use change_message_visibility::{change_message_visibility, change_message_visibility_batch};
pub(super) use delete_message::{delete_message, delete_message_batch};
pub(crate) use receive_message::Pending;
pub use receive_message::Waiting;
pub(super) use receive_message::receive_message;
pub(crate) use send_message::sequence_number;
pub(super) use send_message::{send_message, send_message_batch};

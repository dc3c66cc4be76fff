//! The actions of SQS, one file each.

mod context;
mod message;
mod permission;
mod queue;
mod redrive;
mod tag;

pub(crate) use context::{Context, Right, queue_of_arn};
pub use message::Waiting;
pub(crate) use message::{
    ATTRIBUTES as MESSAGE_ATTRIBUTES, attributes_size, check_attribute_name, is_entry_id, sequence_number,
};
pub(crate) use queue::is_fifo;

use crate::door::unknown;
use crate::protocol::{ApiError, Call, Output, Protocol};
use leveret_core::broker::Access;

/// What an action comes to.
#[derive(Debug)]
pub(crate) enum Done {
    /// An answer.
    Output(Output),
    /// A receive that waits.
    Waiting(message::Pending),
}

/// Runs an action of SQS.
///
/// # Errors
/// The error that the client gets.
pub(crate) fn run<A: Access>(context: &mut Context<'_, A>, call: &Call) -> Result<Done, ApiError> {
    // A queue's URL is no place for what is not about that queue. In JSON an SDK may send anything anywhere.
    let elsewhere = call.protocol == Protocol::Query && call.path_queue.is_some();
    if elsewhere && matches!(call.action.as_str(), "CreateQueue" | "ListQueues") {
        return Err(unknown(call));
    }
    let output = match call.action.as_str() {
        "SendMessage" => message::send_message(context, call),
        "SendMessageBatch" => message::send_message_batch(context, call),
        "ReceiveMessage" => return message::receive_message(context, call),
        "DeleteMessage" => message::delete_message(context, call),
        "DeleteMessageBatch" => message::delete_message_batch(context, call),
        "ChangeMessageVisibility" => message::change_message_visibility(context, call),
        "ChangeMessageVisibilityBatch" => message::change_message_visibility_batch(context, call),
        "CreateQueue" => queue::create_queue(context, call),
        "DeleteQueue" => queue::delete_queue(context, call),
        "GetQueueUrl" => queue::get_queue_url(context, call),
        "ListQueues" => queue::list_queues(context, call),
        "GetQueueAttributes" => queue::get_queue_attributes(context, call),
        "SetQueueAttributes" => queue::set_queue_attributes(context, call),
        "PurgeQueue" => queue::purge_queue(context, call),
        "AddPermission" => permission::add_permission(context, call),
        "RemovePermission" => permission::remove_permission(context, call),
        "TagQueue" => tag::tag_queue(context, call),
        "UntagQueue" => tag::untag_queue(context, call),
        "ListQueueTags" => tag::list_queue_tags(context, call),
        "ListDeadLetterSourceQueues" => redrive::list_dead_letter_source_queues(context, call),
        "StartMessageMoveTask" => redrive::start_message_move_task(context, call),
        "CancelMessageMoveTask" => redrive::cancel_message_move_task(context, call),
        "ListMessageMoveTasks" => redrive::list_message_move_tasks(context, call),
        _ => Err(unknown(call)),
    };
    output.map(Done::Output)
}

//! A message across the doors: SQS's attributes are AMQP's headers and properties. `docs/messages.md` has the table.
//!
//! - A message attribute is a header of its name; its type follows from the header's, and where it cannot, the header
//!   [`TYPES`] says it.
//! - An attribute `amqp.NAME` is the AMQP property NAME.
//! - What SQS keeps beside the attributes (group, deduplication id, trace) is a header of a fixed name.

mod incoming;
mod outgoing;
#[cfg(test)]
mod tests;

pub use incoming::Incoming;
pub use outgoing::Outgoing;

/// The header of a message's group (MessageGroupId).
pub const GROUP: &str = "x-group-key";
/// The header of a message's deduplication id (MessageDeduplicationId).
pub const DEDUPLICATION: &str = leveret_core::message::DEDUPLICATION_HEADER;
/// The header of a trace (AWSTraceHeader).
pub const TRACE: &str = "x-aws-trace";
/// The header, a table, of the types of attributes that do not follow from their headers.
pub const TYPES: &str = "x-attribute-types";
/// What the names of AMQP's properties begin with, as attributes.
const PROPERTY: &str = "amqp.";
/// What a header's name begins with, if the attribute's own name means something else as a header.
const ESCAPED: &str = "x-attribute.";

/// Headers that are not attributes: the broker's own, and those above.
fn is_internal(name: &str) -> bool {
    matches!(name, GROUP | DEDUPLICATION | TRACE | TYPES | "x-death" | "CC" | "BCC" | "x-delay")
        || name.starts_with("x-first-death-")
        || name.starts_with("x-last-death-")
}

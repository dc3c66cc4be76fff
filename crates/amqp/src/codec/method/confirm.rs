//! Class 85: publisher confirms, an extension of RabbitMQ.

use super::class::class;

class! {
    85 Method;

    /// The client wants an ack for each message that it publishes on the channel.
    10 Select { nowait: bool }

    /// It will get them.
    11 SelectOk {}
}

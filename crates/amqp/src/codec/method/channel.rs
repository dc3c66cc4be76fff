//! Class 20: opening, pausing and closing a channel.

use super::class::class;

class! {
    20 Method<'a>;

    /// The client opens the channel. Out of band is reserved.
    10 Open<'a> { out_of_band: &'a str }

    /// The channel is open. The channel id is reserved.
    11 OpenOk<'a> { channel_id: &'a [u8] }

    /// Either side asks the other to pause or to resume sending contents.
    20 Flow { active: bool }

    /// Whether the sender of contents is now active.
    21 FlowOk { active: bool }

    /// Either side ends the channel; class and method tell which method was wrong, if one was.
    40 Close<'a> { reply_code: u16, reply_text: &'a str, class_id: u16, method_id: u16 }

    /// The other side has seen the close.
    41 CloseOk {}
}

//! Class 10: opening, tuning and closing a connection, and saying that it is blocked.

use leveret_core::wire::RawTable;

use super::class::class;

class! {
    10 Method<'a>;

    /// The server's first word: what it is and how one can log in. Mechanisms and locales are lists with a
    /// space between.
    10 Start<'a> {
        version_major: u8,
        version_minor: u8,
        server_properties: RawTable<'a>,
        mechanisms: &'a [u8],
        locales: &'a [u8],
    }

    /// The client's choice of mechanism, and its first response.
    11 StartOk<'a> {
        client_properties: RawTable<'a>,
        mechanism: &'a str,
        response: &'a [u8],
        locale: &'a str,
    }

    /// The server asks for one more round of the mechanism.
    20 Secure<'a> { challenge: &'a [u8] }

    /// The client's response to a challenge.
    21 SecureOk<'a> { response: &'a [u8] }

    /// The server's limits: the highest channel, the bytes of a frame, the seconds between heartbeats; 0
    /// for none.
    30 Tune { channel_max: u16, frame_max: u32, heartbeat: u16 }

    /// The limits that hold, none of them above the server's.
    31 TuneOk { channel_max: u16, frame_max: u32, heartbeat: u16 }

    /// The client chooses a vhost. Capabilities and insist are reserved.
    40 Open<'a> { virtual_host: &'a str, capabilities: &'a str, insist: bool }

    /// The connection is open. Known hosts are reserved.
    41 OpenOk<'a> { known_hosts: &'a str }

    /// Either side ends the connection; class and method tell which method was wrong, if one was.
    50 Close<'a> { reply_code: u16, reply_text: &'a str, class_id: u16, method_id: u16 }

    /// The other side has seen the close.
    51 CloseOk {}

    /// The server takes no more messages for now. An extension of RabbitMQ, for clients that can hear it.
    60 Blocked<'a> { reason: &'a str }

    /// The server takes messages again.
    61 Unblocked {}

    /// The client renews the credentials it logged in with. An extension of RabbitMQ.
    70 UpdateSecret<'a> { new_secret: &'a [u8], reason: &'a str }

    /// The new credentials are good.
    71 UpdateSecretOk {}
}

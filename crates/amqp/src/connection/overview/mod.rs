//! A connection for an operator: what it looks like now, and what has happened to it.

mod notice;

pub use notice::Notice;
pub(super) use notice::Notices;

use super::{Connection, State};
use crate::channel::{Channel, ChannelOverview};
use leveret_core::ConnectionId;
use leveret_core::wire::Table;

/// What an operator sees of a connection.
#[derive(Clone, PartialEq, Debug)]
pub struct ConnectionOverview {
    /// Its number.
    pub id: ConnectionId,
    /// The client's address.
    pub address: String,
    /// How far it has come.
    pub state: State,
    /// Its publishes have to wait.
    pub blocked: bool,
    /// Who logged in, once somebody has.
    pub user: Option<String>,
    /// The vhost, once it is open.
    pub vhost: Option<String>,
    /// What the client says of itself.
    pub client_properties: Table,
    /// The agreed bytes of a frame.
    pub frame_max: u32,
    /// The agreed number of channels.
    pub channel_max: u16,
    /// Its open channels.
    pub channels: Vec<ChannelOverview>,
}

impl Connection {
    /// As whom and in which vhost the connection works, and how many channels it has open; `None` before it is open
    /// and after it has ended.
    pub fn place(&self) -> Option<(&str, &str, u32)> {
        let session = self.session.as_ref()?;
        // A channel has a number of 16 bits.
        Some((session.user(), session.vhost(), self.channels.len() as u32))
    }

    /// What an operator sees of the connection.
    pub fn overview(&self) -> ConnectionOverview {
        ConnectionOverview {
            id: self.id,
            address: self.peer.address.clone(),
            state: self.state(),
            blocked: self.alarm.blocked,
            user: self.user.as_deref().map(str::to_owned),
            vhost: self.session.as_ref().map(|session| session.vhost().to_owned()),
            client_properties: self.client_properties.clone(),
            frame_max: self.link.frame_max,
            channel_max: self.channel_max,
            channels: self.channels.iter().map(Channel::overview).collect(),
        }
    }
}

//! What a connection tells whoever listens to events, in RabbitMQ's names. Where RabbitMQ names a process of Erlang,
//! a connection is named by the client's address and a channel by its number.

use super::Connection;
use super::link::Link;
use super::settings::Mechanism;
use leveret_core::broker::{Access, Session, announce_event};
use leveret_core::event::Event;

/// An event of this name about a channel.
pub(crate) fn of_channel(name: &'static str, session: &Session, link: &Link, channel: u16) -> Event {
    let event = Event::new(name).with("connection", &*link.name).with("channel", i64::from(channel));
    event.with("vhost", session.vhost()).with("user_who_performed_action", session.user())
}

impl Connection {
    /// Somebody has logged in, or was not let in for a reason.
    pub(super) fn announce_login<A: Access>(&self, access: &mut A, by: Mechanism, refused: Option<&str>) {
        announce_event(access, || {
            let name = match refused {
                None => "user.authentication.success",
                Some(_) => "user.authentication.failure",
            };
            let event = self.about(name).with("connection_type", "network");
            let event = event.with("connection_name", &*self.link.name).with("auth_mechanism", by.name());
            match (refused, &self.user) {
                (Some(reason), _) => event.with("error", reason),
                (None, Some(user)) => event.with("name", &**user),
                (None, None) => event,
            }
        });
    }

    /// A vhost was opened.
    pub(super) fn announce_open<A: Access>(&self, access: &mut A, session: &Session) {
        let now = access.now();
        announce_event(access, || {
            let event = self.about("connection.created").with("name", &*self.link.name);
            let event = event.with("user", session.user()).with("vhost", session.vhost());
            let event = event.with("channel_max", i64::from(self.channel_max));
            let event = event.with("frame_max", i64::from(self.link.frame_max));
            let event = event.with("connected_at", now.0.cast_signed());
            let event = event.with("node", &*self.link.settings.cluster_name);
            let event = event.with("client_properties", self.client_properties.clone());
            event.with("user_who_performed_action", session.user())
        });
    }

    /// The connection was open, and is over.
    pub(super) fn announce_closed<A: Access>(&self, access: &mut A, session: &Session) {
        announce_event(access, || {
            let event = Event::new("connection.closed").with("name", &*self.link.name);
            let event = event.with("user", session.user()).with("vhost", session.vhost());
            let event = event.with("node", &*self.link.settings.cluster_name);
            event.with("client_properties", self.client_properties.clone())
        });
    }

    /// An event with what is known of the other end.
    fn about(&self, name: &'static str) -> Event {
        let event = Event::new(name).with("protocol", "{0,9,1}");
        match self.peer.address.rsplit_once(':') {
            Some((host, port)) => {
                let event = event.with("peer_host", host.trim_matches(['[', ']']));
                event.with("peer_port", port.parse::<i64>().unwrap_or_default())
            }
            None => event.with("peer_host", &*self.peer.address),
        }
    }
}

//! From the first byte to the open vhost: protocol header, start, tune, open; and what else is said on channel 0. What
//! comes between start and tune is in [`super::login`].

use crate::codec::ReplyCode;
use crate::codec::frame::{Opening, PROTOCOL_HEADER, check_opening};
use crate::codec::method::Method;
use crate::codec::method::connection::{
    self, Method as M, Open, OpenOk, Start, Tune, TuneOk, UpdateSecret, UpdateSecretOk,
};
use crate::connection::fault::Fault;
use crate::connection::settings::{Authenticator, Credentials, Mechanism};
use crate::connection::{Connection, Notice, Phase};
use leveret_core::broker::{Access, Session, Tracer};
use leveret_core::wire::{RawTable, ShortStr, Table, Value};
use std::sync::Arc;

/// The bytes of a frame until the limits are agreed: room for a token as a password, no more.
pub(in crate::connection) const FRAME_BYTES: u32 = 8192;

/// The smallest `frame_max` that AMQP allows (specification 4.2.3).
const FRAME_MIN_BYTES: u32 = 4096;

/// What the broker offers beyond AMQP 0-9-1, as RabbitMQ names it.
const CAPABILITIES: [&str; 9] = [
    "publisher_confirms",
    "exchange_exchange_bindings",
    "basic.nack",
    "consumer_cancel_notify",
    "connection.blocked",
    "consumer_priorities",
    "authentication_failure_close",
    "per_consumer_qos",
    "direct_reply_to",
];

impl Connection {
    /// The first bytes: the protocol that the client wants to speak.
    pub(super) fn protocol_header(&mut self, input: &[u8]) -> usize {
        match check_opening(input) {
            Opening::Incomplete => 0,
            Opening::Refused => {
                self.link.output.tail().extend_from_slice(&PROTOCOL_HEADER);
                self.phase = Phase::Closed;
                self.notices.add(Notice::OtherProtocol);
                input.len()
            }
            Opening::Amqp => {
                self.phase = Phase::Starting;
                self.send_start();
                PROTOCOL_HEADER.len()
            }
        }
    }

    fn send_start(&mut self) {
        let mut entries = Vec::new();
        self.server_properties().encode_entries(&mut entries);
        let offered: Vec<&str> = self.offered().map(Mechanism::name).collect();
        let mechanisms = offered.join(" ");
        // What was just encoded is a table, and a few names are not too large for one.
        let server_properties = RawTable::parse(&entries).unwrap_or_default();
        let start = Start {
            version_major: 0,
            version_minor: 9,
            server_properties,
            mechanisms: mechanisms.as_bytes(),
            locales: b"en_US",
        };
        self.link.output.method(0, &start);
    }

    fn server_properties(&self) -> Table {
        let set = |table: &mut Table, name, value| table.insert(ShortStr::literal(name), value);
        let mut capabilities = Table::new();
        for name in CAPABILITIES {
            set(&mut capabilities, name, Value::Bool(true));
        }
        let settings = &self.link.settings;
        let mut properties = Table::new();
        set(&mut properties, "capabilities", Value::Table(capabilities));
        set(&mut properties, "cluster_name", settings.cluster_name.as_str().into());
        set(&mut properties, "product", "Leveret".into());
        set(&mut properties, "version", settings.version.as_str().into());
        set(&mut properties, "platform", "Rust".into());
        set(&mut properties, "copyright", "Copyright (c) the Leveret authors".into());
        set(&mut properties, "information", "Licensed under the Apache License 2.0".into());
        properties
    }

    /// A method on channel 0.
    pub(super) fn connection_method<A: Access>(
        &mut self,
        access: &mut A,
        authenticator: &dyn Authenticator,
        method: &Method<'_>,
    ) -> Result<(), Fault> {
        let Method::Connection(method) = method else { return self.out_of_order() };
        match (self.phase, method) {
            (Phase::Starting, M::StartOk(start_ok)) => self.start_ok(access, authenticator, start_ok),
            (Phase::Securing, M::SecureOk(secure_ok)) => self.secure_ok(access, authenticator, secure_ok),
            (Phase::Tuning, M::TuneOk(tune_ok)) => self.tune_ok(tune_ok),
            (Phase::Opening, M::Open(open)) => self.open(access, authenticator, open),
            (Phase::Running, M::UpdateSecret(update)) => self.update_secret(access, authenticator, update),
            (Phase::Tuning | Phase::Opening | Phase::Running, M::Close(_)) => {
                self.end_session(access);
                self.link.output.method(0, &connection::CloseOk {});
                self.close_socket();
                Ok(())
            }
            // Both sides close at once.
            (Phase::Closing, M::Close(_)) => {
                self.link.output.method(0, &connection::CloseOk {});
                Ok(())
            }
            (Phase::Closing, M::CloseOk(_)) => {
                self.close_socket();
                Ok(())
            }
            (Phase::Closing, _) => Ok(()),
            _ => self.out_of_order(),
        }
    }

    /// The client has logged in: the limits are next.
    pub(super) fn send_tune(&mut self) {
        let settings = &self.link.settings;
        let tune = Tune {
            channel_max: settings.channel_max,
            frame_max: settings.frame_max,
            heartbeat: settings.heartbeat_seconds,
        };
        self.link.output.method(0, &tune);
        self.phase = Phase::Tuning;
    }

    fn tune_ok(&mut self, tune_ok: &TuneOk) -> Result<(), Fault> {
        let settings = &self.link.settings;
        agree("frame_max", tune_ok.frame_max, FRAME_MIN_BYTES, settings.frame_max)?;
        agree("channel_max", tune_ok.channel_max.into(), 1, settings.channel_max.into())?;
        self.link.frame_max = tune_ok.frame_max;
        self.channel_max = if tune_ok.channel_max == 0 { u16::MAX } else { tune_ok.channel_max };
        // The client has the last word on heartbeats, as in RabbitMQ.
        self.heartbeat.start(tune_ok.heartbeat, self.now);
        self.phase = Phase::Opening;
        Ok(())
    }

    fn open<A: Access>(
        &mut self,
        access: &mut A,
        authenticator: &dyn Authenticator,
        open: &Open<'_>,
    ) -> Result<(), Fault> {
        let Some(user) = self.user.clone() else { return self.out_of_order() };
        let usage = authenticator.usage(&user, open.virtual_host);
        let catalog = access.catalog();
        catalog.may_connect(
            &user,
            open.virtual_host,
            usage.connections_of_vhost,
            usage.connections_of_user,
        )?;
        let vhost = catalog.vhost(open.virtual_host).map(|vhost| vhost.name.clone());
        let vhost: Arc<str> = vhost.unwrap_or_else(|| open.virtual_host.into());
        self.notices.add(Notice::Opened { user: user.to_string(), vhost: vhost.to_string() });
        let settings = &self.link.settings;
        if settings.traced_vhosts.iter().any(|traced| **traced == *vhost) {
            self.link.tracer = Some(Box::new(Tracer::new(&settings.cluster_name, &self.link.name)));
        }
        let session = Session::new(self.id, vhost, user);
        self.announce_open(access, &session);
        self.session = Some(session);
        self.link.output.method(0, &OpenOk { known_hosts: "" });
        self.phase = Phase::Running;
        Ok(())
    }

    /// The client renews the secret that it logged in with. As in RabbitMQ 4.3 its vhost must still admit the user.
    fn update_secret<A: Access>(
        &mut self,
        access: &A,
        authenticator: &dyn Authenticator,
        update: &UpdateSecret<'_>,
    ) -> Result<(), Fault> {
        let Some(session) = &self.session else { return self.out_of_order() };
        let (user, catalog) = (session.user(), access.catalog());
        let credentials = Credentials::Password { user, password: update.new_secret };
        if !authenticator.verify(catalog, &credentials, &self.peer).is_ok_and(|verified| *verified == *user) {
            let text = "New secret was refused by one of the backends";
            return Err(Fault::new(ReplyCode::NotAllowed, text));
        }
        catalog.may_enter(user, session.vhost())?;
        self.link.output.method(0, &UpdateSecretOk {});
        Ok(())
    }

    pub(super) fn out_of_order(&self) -> Result<(), Fault> {
        let state = match self.phase {
            Phase::Header | Phase::Starting => "starting",
            Phase::Securing => "securing",
            Phase::Tuning => "tuning",
            Phase::Opening => "opening",
            Phase::Running => "running",
            Phase::Closing | Phase::Lingering | Phase::Closed => "closing",
        };
        let text = format!("unexpected method in connection state {state}");
        Err(Fault::new(ReplyCode::ChannelError, text))
    }
}

/// # Errors
/// 530 when the client asks for less than AMQP allows or more than was offered, with RabbitMQ's text.
fn agree(name: &str, asked: u32, min: u32, max: u32) -> Result<(), Fault> {
    let problem = if asked != 0 && asked < min {
        format!("is lower than the minimum allowed value ({min})")
    } else if max != 0 && (asked == 0 || asked > max) {
        format!("is higher than the maximum allowed value ({max})")
    } else {
        return Ok(());
    };
    let detail = if asked == 0 { " (no limit)" } else { "" };
    Err(Fault::new(ReplyCode::NotAllowed, format!("negotiated {name} = {asked}{detail} {problem}")))
}

//! The ends of channels and connections: ours, the client's, and the network's.

use super::channels::Slot;
use super::fault::Fault;
use super::overview::Notice;
use super::{Connection, Phase};
use crate::codec::ReplyCode;
use crate::codec::method::{channel, connection};
use leveret_core::broker::Access;

impl Connection {
    /// The broker stops: the client is asked to go.
    pub fn shut_down(&mut self) {
        match self.phase {
            Phase::Running => {
                let fault = Fault::new(ReplyCode::ConnectionForced, "broker forced connection closure");
                self.send_close(&fault, (0, 0));
            }
            Phase::Closing | Phase::Lingering | Phase::Closed => {}
            _ => self.phase = Phase::Closed,
        }
    }

    /// The connection is over, whatever ended it: what it held goes back to the queues, what was only its own is
    /// deleted. Afterwards give the effects that were on their way to [`Connection::effects`]: their leases are
    /// given back, too.
    pub fn lost<A: Access>(&mut self, access: &mut A) {
        self.end_session(access);
        self.phase = Phase::Closed;
    }

    /// The client was promised something that a failed log will never keep: it must not wait for ever.
    pub(super) fn promise_broken(&mut self) {
        if self.phase == Phase::Running {
            let fault = Fault::new(ReplyCode::InternalError, "a log of the broker has failed");
            self.notices.add(Notice::ConnectionFault { text: fault.reply_text() });
            self.send_close(&fault, (0, 0));
        }
    }

    /// Reports a fault to the client and ends what it ends: a channel, or the connection.
    pub(super) fn fail<A: Access>(&mut self, access: &mut A, number: u16, fault: Fault, method: (u16, u16)) {
        if matches!(self.phase, Phase::Closing | Phase::Lingering | Phase::Closed) {
            return;
        }
        if number != 0 && self.phase == Phase::Running && !fault.ends_connection() {
            self.end_channel(access, number, Slot::Closing);
            let text = fault.reply_text();
            let (class_id, method_id) = method;
            let close =
                channel::Close { reply_code: fault.code.code(), reply_text: &text, class_id, method_id };
            self.link.output.method(number, &close);
            return self.notices.add(Notice::ChannelFault { channel: number, text });
        }
        self.notices.add(Notice::ConnectionFault { text: fault.reply_text() });
        self.end_session(access);
        let refused = fault.code == ReplyCode::AccessRefused;
        let told = match self.phase {
            // A client that has not logged in is told nothing, unless it says that it understands.
            Phase::Header | Phase::Starting | Phase::Securing => {
                refused && self.link.capabilities.authentication_failure_close
            }
            _ => true,
        };
        if told { self.send_close(&fault, method) } else { self.linger() }
    }

    fn send_close(&mut self, fault: &Fault, method: (u16, u16)) {
        let close = connection::Close {
            reply_code: fault.code.code(),
            reply_text: &fault.reply_text(),
            class_id: method.0,
            method_id: method.1,
        };
        self.link.output.method(0, &close);
        self.phase = Phase::Closing;
        self.alarm.blocked = false;
        self.deadline = self.now.plus_ms(self.link.settings.close_ms);
    }

    /// Takes nothing more in, but leaves the client a moment to read what was sent; one whose login failed is
    /// kept from trying again at once.
    pub(super) fn linger(&mut self) {
        self.phase = Phase::Lingering;
        self.deadline = self.now.plus_ms(LINGER_MS.min(self.link.settings.close_ms));
    }

    /// Both sides have said their last word.
    pub(super) fn close_socket(&mut self) {
        self.phase = Phase::Closed;
        self.deadline = self.now.plus_ms(self.link.settings.close_ms);
    }

    /// Ends a channel: its consumers, then its deliveries.
    pub(super) fn end_channel<A: Access>(&mut self, access: &mut A, number: u16, then: Slot) {
        let Slot::Open(mut channel) = self.channels.put(number, then) else { return };
        let Some(session) = &mut self.session else { return };
        channel.stop(access, session, &mut self.link);
        channel.close(access, session);
    }

    /// Ends all channels and the session. All consumers go first, so that nothing that comes back from one
    /// channel is sent to another.
    pub(super) fn end_session<A: Access>(&mut self, access: &mut A) {
        let Some(mut session) = self.session.take() else { return };
        let mut channels = self.channels.take();
        for channel in &mut channels {
            channel.stop(access, &mut session, &mut self.link);
        }
        for channel in &mut channels {
            channel.close(access, &mut session);
        }
        session.close(access);
        self.announce_closed(access, &session);
        access.finish();
    }
}

/// RabbitMQ's delay before it closes silently.
const LINGER_MS: u64 = 3_000;

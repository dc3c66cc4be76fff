//! Frames on their way in: which channel they are for, and whether they may come now. Those of channel 0 go to
//! [`handshake`], and from there to [`login`].

mod handshake;
mod login;
mod run;

use super::channels::Slot;
use super::events::of_channel;
use super::fault::Fault;
use super::link::Context;
use super::settings::{Authenticator, Bodies};
use super::{Connection, Phase};
use crate::channel::{Channel, Incoming};
use crate::codec::frame::FrameError;
use crate::codec::method::{Method, channel};
use crate::codec::{Frame, FrameKind, Published, ReplyCode, parse_frame};
pub(super) use handshake::FRAME_BYTES;
use leveret_core::broker::{Access, announce_event};
pub(super) use run::Runs;

/// The class and method ids of basic.publish, for the report of what went wrong with one.
const PUBLISH: (u16, u16) = (60, 40);
/// No method is to blame.
const NO_METHOD: (u16, u16) = (0, 0);

impl Connection {
    /// Handles what is at the front of `input`: a protocol header, messages or acks as far as they follow each other,
    /// or a frame. Answers how many bytes that was, 0 if more must come first.
    pub(super) fn step<A: Access>(
        &mut self,
        access: &mut A,
        authenticator: &dyn Authenticator,
        bodies: &mut dyn Bodies,
        input: &[u8],
    ) -> usize {
        match self.phase {
            Phase::Running => {
                let run = match self.messages(access, input) {
                    None => self.whole_message(access, bodies, input).or_else(|| self.acks(access, input)),
                    run => run,
                };
                if let Some(count) = run {
                    return count;
                }
            }
            Phase::Header => return self.protocol_header(input),
            Phase::Lingering | Phase::Closed => return input.len(),
            Phase::Starting | Phase::Securing | Phase::Tuning | Phase::Opening | Phase::Closing => {}
        }
        match parse_frame(input, self.link.frame_max) {
            Ok(None) => 0,
            Ok(Some(frame)) => {
                self.frame(access, authenticator, bodies, &frame);
                frame.encoded_bytes()
            }
            Err(error) => {
                self.lost_track(access, &error);
                input.len()
            }
        }
    }

    /// A published message in one piece that is not as plain as those of a run.
    fn whole_message<A: Access>(
        &mut self,
        access: &mut A,
        bodies: &mut dyn Bodies,
        input: &[u8],
    ) -> Option<usize> {
        let published = Published::read(input, self.link.frame_max)?;
        let Connection { channels, session, link, .. } = self;
        let channel = channels.open_mut(published.channel).filter(|channel| !channel.is_assembling())?;
        let mut cx = Context { access, session: session.as_mut()?, link, bodies };
        let incoming = Incoming::from(&published);
        if let Err(fault) = channel.publish(&mut cx, &incoming) {
            self.fail(access, published.channel, fault, PUBLISH);
        }
        self.block_publisher();
        Some(published.encoded_bytes)
    }

    fn frame<A: Access>(
        &mut self,
        access: &mut A,
        authenticator: &dyn Authenticator,
        bodies: &mut dyn Bodies,
        frame: &Frame<'_>,
    ) {
        if frame.channel == 0 {
            return self.frame_of_connection(access, authenticator, frame);
        }
        match self.phase {
            Phase::Running => self.frame_of_channel(access, authenticator, bodies, frame),
            Phase::Closing => {}
            _ => self.fail(access, 0, unexpected_frame(frame), NO_METHOD),
        }
    }

    fn frame_of_connection<A: Access>(
        &mut self,
        access: &mut A,
        authenticator: &dyn Authenticator,
        frame: &Frame<'_>,
    ) {
        match frame.kind {
            FrameKind::Heartbeat => {}
            FrameKind::Method => match Method::read(frame.payload) {
                Ok(method) => {
                    if let Err(fault) = self.connection_method(access, authenticator, &method) {
                        self.fail(access, 0, fault, method.id());
                    }
                }
                // Whoever is being closed is not told of further mistakes.
                Err(_) if self.phase == Phase::Closing => {}
                Err(error) => self.fail(access, 0, error.into(), (error.class_id, error.method_id)),
            },
            FrameKind::Header | FrameKind::Body if self.phase == Phase::Closing => {}
            FrameKind::Header | FrameKind::Body => self.fail(access, 0, unexpected_frame(frame), NO_METHOD),
        }
    }

    fn frame_of_channel<A: Access>(
        &mut self,
        access: &mut A,
        authenticator: &dyn Authenticator,
        bodies: &mut dyn Bodies,
        frame: &Frame<'_>,
    ) {
        let number = frame.channel;
        match frame.kind {
            FrameKind::Heartbeat => self.fail(access, 0, unexpected_frame(frame), NO_METHOD),
            FrameKind::Method => match Method::read(frame.payload) {
                Ok(method) => {
                    if let Err(fault) = self.channel_method(access, authenticator, bodies, number, &method) {
                        self.fail(access, number, fault, method.id());
                    }
                }
                Err(error) => self.fail(access, number, error.into(), (error.class_id, error.method_id)),
            },
            FrameKind::Header | FrameKind::Body if self.channels.is_closing(number) => {}
            FrameKind::Header | FrameKind::Body => {
                let payload = frame.payload;
                let handled = self.with_channel(access, bodies, number, |channel, cx| match frame.kind {
                    FrameKind::Header => channel.header(cx, payload),
                    _ => channel.body(cx, payload),
                });
                if let Err(fault) = handled {
                    self.fail(access, number, fault, PUBLISH);
                }
                self.block_publisher();
            }
        }
    }

    /// A method for a channel. Opening and closing are here, the rest is the channel's own.
    fn channel_method<A: Access>(
        &mut self,
        access: &mut A,
        authenticator: &dyn Authenticator,
        bodies: &mut dyn Bodies,
        number: u16,
        method: &Method<'_>,
    ) -> Result<(), Fault> {
        let closing = self.channels.is_closing(number);
        match method {
            Method::Channel(channel::Method::CloseOk(_)) if closing => {
                self.channels.put(number, Slot::Free);
            }
            // Both sides close at once: the client's close is answered, and its own answer awaited.
            Method::Channel(channel::Method::Close(_)) if closing => {
                self.link.output.method(number, &channel::CloseOk {});
            }
            _ if closing => {}
            Method::Channel(channel::Method::Open(_)) => self.open_channel(access, authenticator, number)?,
            Method::Channel(channel::Method::Close(_)) => {
                self.with_channel(access, bodies, number, |_, _| Ok(()))?;
                self.end_channel(access, number, Slot::Free);
                self.link.output.method(number, &channel::CloseOk {});
            }
            _ => {
                return self.with_channel(access, bodies, number, |channel, cx| channel.method(cx, method));
            }
        }
        Ok(())
    }

    fn open_channel<A: Access>(
        &mut self,
        access: &mut A,
        authenticator: &dyn Authenticator,
        number: u16,
    ) -> Result<(), Fault> {
        if self.channels.open_mut(number).is_some() {
            return Err(Fault::new(ReplyCode::ChannelError, "second 'channel.open' seen"));
        }
        let (open, max) = (self.channels.len(), self.channel_max);
        if open >= usize::from(max) || number > max {
            let text =
                format!("number of channels opened ({open}) has reached the negotiated channel_max ({max})");
            return Err(Fault::new(ReplyCode::NotAllowed, text));
        }
        if let Some(session) = &self.session {
            let usage = authenticator.usage(session.user(), session.vhost());
            access.catalog().may_open_channel(session.user(), usage.channels_of_user)?;
        }
        self.channels.put(number, Slot::Open(Box::new(Channel::new(number))));
        if let Some(session) = &self.session {
            announce_event(access, || {
                of_channel("channel.created", session, &self.link, number).with("number", i64::from(number))
            });
        }
        self.link.output.method(number, &channel::OpenOk { channel_id: b"" });
        Ok(())
    }

    /// Lets an open channel work.
    fn with_channel<A: Access>(
        &mut self,
        access: &mut A,
        bodies: &mut dyn Bodies,
        number: u16,
        work: impl FnOnce(&mut Channel, &mut Context<'_, A>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let Connection { channels, session, link, .. } = self;
        match (channels.open_mut(number), session) {
            (Some(channel), Some(session)) => work(channel, &mut Context { access, session, link, bodies }),
            _ => Err(Fault::new(ReplyCode::ChannelError, "expected 'channel.open'")),
        }
    }

    /// The bytes make no frame: nothing that follows can be understood.
    fn lost_track<A: Access>(&mut self, access: &mut A, error: &FrameError) {
        if self.phase == Phase::Closing {
            self.linger();
            return;
        }
        self.fail(access, 0, Fault::new(error.reply_code(), error.to_string()), NO_METHOD);
        self.linger();
    }
}

fn unexpected_frame(frame: &Frame<'_>) -> Fault {
    let (kind, octets) = (frame.kind as u8, frame.payload.len());
    let text = format!("type {kind}, {octets} octets on channel {}", frame.channel);
    Fault::new(ReplyCode::UnexpectedFrame, text)
}

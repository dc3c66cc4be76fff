//! A published message that does not lie in the buffer in one piece: it is put together frame by frame.

use crate::codec::method::basic;
use crate::codec::{ContentHeader, ReplyCode};
use crate::connection::Bodies;
use crate::connection::fault::Fault;
use crate::connection::link::Link;
use leveret_core::limits::ASSEMBLY_BYTES_PER_CONNECTION;

/// Bytes that a channel may keep from one message to the next. The memory of larger ones is shared.
const KEPT_BYTES: usize = 256 << 10;

/// The content that is coming in on a channel, if one is.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    stage: Stage,
    message: Assembled,
}

/// What the next frame of the channel has to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Stage {
    #[default]
    Method,
    Header,
    /// So many bytes of the body are missing.
    Body {
        missing: u64,
    },
}

/// A message that came in several frames.
#[derive(Debug, Default)]
pub(super) struct Assembled {
    pub(super) exchange: String,
    pub(super) routing_key: String,
    pub(super) mandatory: bool,
    pub(super) immediate: bool,
    pub(super) properties: Vec<u8>,
    pub(super) body: Vec<u8>,
}

impl Assembly {
    pub(super) fn is_under_way(&self) -> bool {
        self.stage != Stage::Method
    }

    /// Bytes that are held of the message.
    pub(super) fn held_bytes(&self) -> usize {
        match self.stage {
            Stage::Body { .. } => self.message.properties.len() + self.message.body.len(),
            Stage::Method | Stage::Header => 0,
        }
    }

    /// # Errors
    /// 505 while a content is on its way, with RabbitMQ's texts.
    pub(super) fn expect_method(&self) -> Result<(), Fault> {
        match self.stage {
            Stage::Method => Ok(()),
            Stage::Header => Err(unexpected(format!(
                "expected content header for class {}, got non content header frame instead",
                basic::CLASS_ID
            ))),
            Stage::Body { .. } => {
                Err(unexpected("expected content body, got non content body frame instead"))
            }
        }
    }

    /// # Errors
    /// 505 when no header may come.
    pub(super) fn expect_header(&self) -> Result<(), Fault> {
        match self.stage {
            Stage::Header => Ok(()),
            Stage::Method => Err(unexpected("expected method frame, got non method frame instead")),
            Stage::Body { .. } => {
                Err(unexpected("expected content body, got non content body frame instead"))
            }
        }
    }

    /// A basic.publish was read: its content follows.
    pub(super) fn begin(&mut self, publish: &basic::Publish<'_>) {
        self.stage = Stage::Header;
        self.message.exchange.clear();
        self.message.exchange.push_str(publish.exchange);
        self.message.routing_key.clear();
        self.message.routing_key.push_str(publish.routing_key);
        self.message.mandatory = publish.mandatory;
        self.message.immediate = publish.immediate;
    }

    /// Takes the header. Answers whether the message is whole, which it is if its body is empty.
    ///
    /// # Errors
    /// 506 when the connection's messages under way take too much memory.
    pub(super) fn header(
        &mut self,
        header: &ContentHeader<'_>,
        link: &mut Link,
        bodies: &mut dyn Bodies,
    ) -> Result<bool, Fault> {
        self.message.properties.clear();
        self.message.body.clear();
        if header.body_bytes > KEPT_BYTES as u64 {
            self.message.body = bodies.buffer();
        }
        self.stage = Stage::Body { missing: header.body_bytes };
        hold(header.properties, &mut self.message.properties, link)?;
        Ok(header.body_bytes == 0)
    }

    /// Takes a piece of the body. Answers whether the message is whole.
    ///
    /// # Errors
    /// 505 when no body may come, or when it is larger than its header said; 506 as for the header.
    pub(super) fn body(&mut self, payload: &[u8], link: &mut Link) -> Result<bool, Fault> {
        let Stage::Body { missing } = self.stage else {
            self.expect_method()?;
            return Err(unexpected("expected method frame, got non method frame instead"));
        };
        let Some(missing) = missing.checked_sub(payload.len() as u64) else {
            // RabbitMQ before 4 says 505 here, as it does for a body that is too short; since then it says 501.
            return Err(unexpected("content body frame exceeds remaining content size"));
        };
        self.stage = Stage::Body { missing };
        hold(payload, &mut self.message.body, link)?;
        Ok(missing == 0)
    }

    /// Takes the whole message out.
    pub(super) fn take(&mut self, link: &mut Link) -> Assembled {
        link.assembling_bytes -= self.held_bytes();
        self.stage = Stage::Method;
        std::mem::take(&mut self.message)
    }

    /// Gets a message's memory back, unless it is much: then it is for whoever needs as much next.
    pub(super) fn reuse(&mut self, mut message: Assembled, bodies: &mut dyn Bodies) {
        message.body.clear();
        if message.body.capacity() > KEPT_BYTES {
            bodies.give_back(std::mem::take(&mut message.body));
        }
        self.message = message;
    }
}

fn hold(bytes: &[u8], held: &mut Vec<u8>, link: &mut Link) -> Result<(), Fault> {
    if link.assembling_bytes + bytes.len() > ASSEMBLY_BYTES_PER_CONNECTION {
        let text = format!("more than {ASSEMBLY_BYTES_PER_CONNECTION} bytes of unfinished messages");
        return Err(Fault::new(ReplyCode::ResourceError, text));
    }
    link.assembling_bytes += bytes.len();
    held.extend_from_slice(bytes);
    Ok(())
}

fn unexpected(text: impl Into<String>) -> Fault {
    Fault::new(ReplyCode::UnexpectedFrame, text)
}

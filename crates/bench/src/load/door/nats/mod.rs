//! NATS JetStream: a queue is a work-queue stream of one subject, with one durable pull consumer. With a reply subject
//! JetStream answers every publish, which is its confirm; with `sync_interval: always` it syncs before that.

mod consume;
mod publish;
mod session;
mod wire;

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{Consume, Door, DoorError, Publish};
use crate::client::Acking;
use crate::load::row::Row;
use consume::Consuming;
use publish::Publishing;
use session::Session;

/// What the consumer of each stream is called.
const CONSUMER: &str = "leveret-bench";
/// How long a message may be held before it is delivered again, in nanoseconds. No row takes so long.
const ACK_WAIT_NS: u64 = 3_600_000_000_000;
/// How many pulls of one connection may wait at a consumer. As each asks for half of what may be under way, there are
/// never as many; and a server has 512 unless told otherwise.
const PULLS: u32 = 16;
const LEAST_PULLS: u32 = 512;
/// Status of an answer: there is no such thing.
const NOT_FOUND: u16 = 404;

/// A NATS server.
#[derive(Clone)]
pub(crate) struct Nats {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// User and password, if it asks for them.
    pub(crate) login: Option<(String, String)>,
}

impl Door for Nats {
    fn broker(&self) -> Result<String, DoorError> {
        let session = Session::open(self)?;
        let version = session.info["version"].as_str().ok_or(DoorError::Misread("version"))?;
        Ok(format!("nats-server {version}"))
    }

    fn prepare(&self, row: &Row) -> Result<(), DoorError> {
        if let Some(what) = inability(row) {
            return Err(DoorError::Unable(what));
        }
        let mut session = Session::open(self)?;
        let longest = session.info["max_payload"].as_u64().ok_or(DoorError::Misread("max_payload"))?;
        if *row.sizes.end() as u64 > longest {
            return Err(DoorError::Unable("size is beyond the max_payload of this NATS server"));
        }
        for queue in row.queue_names() {
            delete(&mut session, &queue)?;
            session.ask(&format!("$JS.API.STREAM.CREATE.{queue}"), &stream(&queue, row))?;
            let subject = format!("$JS.API.CONSUMER.DURABLE.CREATE.{queue}.{CONSUMER}");
            session.ask(&subject, &consumer(&queue, row))?;
        }
        Ok(())
    }

    fn publisher(&self, row: &Row, index: u16, queues: &[String]) -> Result<Box<dyn Publish>, DoorError> {
        Ok(Box::new(Publishing::new(Session::open(self)?, row, index, queues)))
    }

    fn consumer(&self, row: &Row, queues: &[String]) -> Result<Box<dyn Consume>, DoorError> {
        Ok(Box::new(Consuming::of(Session::open(self)?, queues, row)?))
    }

    fn idle(&self) -> Result<Box<dyn Send>, DoorError> {
        Ok(Box::new(Session::open(self)?))
    }

    fn keeps_order(&self, _: &Row) -> bool {
        true
    }

    fn waiting(&self, row: &Row) -> Result<u64, DoorError> {
        let mut session = Session::open(self)?;
        let mut waiting = 0;
        for queue in row.queue_names() {
            let info = session.ask(&format!("$JS.API.STREAM.INFO.{queue}"), &json!({}))?;
            let count = info["state"]["messages"].as_u64();
            waiting += count.ok_or(DoorError::Misread("number of messages"))?;
        }
        Ok(waiting)
    }

    fn clear(&self, row: &Row) -> Result<(), DoorError> {
        let mut session = Session::open(self)?;
        row.queue_names().iter().try_for_each(|queue| delete(&mut session, queue))
    }
}

/// Deletes a stream, if it is there.
fn delete(session: &mut Session, queue: &str) -> Result<(), DoorError> {
    match session.ask(&format!("$JS.API.STREAM.DELETE.{queue}"), &json!({})) {
        Ok(_) | Err(DoorError::Refused { status: NOT_FOUND, .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The stream of a queue.
fn stream(queue: &str, row: &Row) -> Value {
    json!({
        "name": queue,
        "subjects": [queue],
        "retention": "workqueue",
        "storage": if row.durable { "file" } else { "memory" },
        "num_replicas": 1,
    })
}

/// The consumer of a queue, which the connections that consume it share.
fn consumer(queue: &str, row: &Row) -> Value {
    let connections = row.consumers.div_ceil(row.queues);
    let most = match row.prefetch {
        0 => -1,
        prefetch => i64::from(prefetch) * i64::from(connections.max(1)),
    };
    json!({
        "stream_name": queue,
        "config": {
            "durable_name": CONSUMER,
            "ack_policy": "explicit",
            "ack_wait": ACK_WAIT_NS,
            "max_ack_pending": most,
            "max_waiting": connections.saturating_mul(PULLS).max(LEAST_PULLS),
        },
    })
}

/// What a row wants that JetStream does not have.
fn inability(row: &Row) -> Option<&'static str> {
    let is_named =
        |letter: char| !letter.is_whitespace() && !letter.is_control() && !".*>/\\".contains(letter);
    [
        (row.fan_out, "a work-queue stream of JetStream has no fan-out: one consumer gets a message"),
        (row.groups > 0, "JetStream has no groups"),
        (row.acking == Acking::NoAck, "a work-queue stream of JetStream has no consumers without acks"),
        (
            !row.prefix.chars().all(is_named),
            "the name of a stream has no spaces and none of . * > / \\: prefix",
        ),
    ]
    .into_iter()
    .find_map(|(wanted, what)| wanted.then_some(what))
}

/// A status that is none of what was asked.
fn unexpected(status: &str) -> DoorError {
    DoorError::Unexpected { answer: status.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::row::Draft;

    fn row(parameters: &[(&str, &str)]) -> Row {
        let mut draft = Draft::default();
        parameters.iter().for_each(|(name, text)| draft.set(name, text).unwrap());
        draft.row("a row").unwrap()
    }

    #[test]
    fn what_jetstream_does_not_have_is_refused() {
        let said = |parameters: &[(&str, &str)]| inability(&row(parameters)).unwrap_or_default();
        assert_eq!(said(&[("publishers", "4"), ("consumers", "2"), ("queues", "4")]), "");
        assert_eq!(said(&[("confirm-window", "0"), ("durable", "false"), ("prefetch", "0")]), "");
        assert!(said(&[("fan-out", "true")]).contains("fan-out"));
        assert!(said(&[("groups", "2")]).contains("groups"));
        assert!(said(&[("ack", "none")]).contains("without acks"));
        for prefix in ["a b", "a.b", "a*", ">", "a\r\nPUB", "a/b"] {
            assert!(said(&[("prefix", prefix)]).contains("prefix"), "{prefix:?}");
        }
    }

    #[test]
    fn a_stream_and_its_consumer_are_what_the_row_says() {
        assert_eq!(stream("q", &row(&[]))["storage"], "file");
        assert_eq!(stream("q", &row(&[("durable", "false")]))["storage"], "memory");
        let config = |parameters: &[(&str, &str)]| consumer("q", &row(parameters))["config"].clone();
        assert_eq!(config(&[])["max_ack_pending"], 1000);
        assert_eq!(config(&[("prefetch", "0")])["max_ack_pending"], -1);
        let shared = config(&[("prefetch", "150"), ("consumers", "100"), ("queues", "2")]);
        assert_eq!((&shared["max_ack_pending"], &shared["max_waiting"]), (&json!(7500), &json!(800)));
    }
}

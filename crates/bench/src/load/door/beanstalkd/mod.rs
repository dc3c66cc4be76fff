//! beanstalkd: a queue is a tube, a message a job. Every put is answered, which is its confirm; started with `-b DIR -f0`,
//! beanstalkd syncs its binlog before it answers, and before it answers a delete.

mod consume;
mod publish;
mod session;
mod wire;

use std::net::SocketAddr;

use super::{Consume, Door, DoorError, Publish};
use crate::client::Acking;
use crate::load::row::Row;
use consume::Consuming;
use publish::Publishing;
use session::Session;
use wire::{Answer, figure};

/// A beanstalkd.
pub(crate) struct Beanstalkd(pub(crate) SocketAddr);

impl Beanstalkd {
    /// A figure of the server's.
    fn figure(&self, name: &'static str) -> Result<String, DoorError> {
        let mut session = Session::open(self.0)?;
        match session.call("stats")? {
            Answer::Figures(figures) => {
                figure(figures, name).map(str::to_owned).ok_or(DoorError::Misread(name))
            }
            other => Err(unexpected(other)),
        }
    }
}

impl Door for Beanstalkd {
    fn broker(&self) -> Result<String, DoorError> {
        Ok(format!("beanstalkd {}", self.figure("version")?))
    }

    fn prepare(&self, row: &Row) -> Result<(), DoorError> {
        if let Some(what) = inability(row) {
            return Err(DoorError::Unable(what));
        }
        let has_binlog = self.figure("binlog-current-index")? != "0";
        match (row.durable, has_binlog) {
            (true, false) => Err(DoorError::Unable(
                "this beanstalkd keeps nothing on disk: start it with -b DIR -f0, or say durable = false",
            )),
            (false, true) => Err(DoorError::Unable(
                "beanstalkd has no transient jobs: with -b it keeps all of them on disk, without -b none",
            )),
            _ => self.clear(row),
        }
    }

    fn publisher(&self, row: &Row, index: u16, queues: &[String]) -> Result<Box<dyn Publish>, DoorError> {
        Ok(Box::new(Publishing::new(Session::open(self.0)?, row, index, queues)))
    }

    fn consumer(&self, row: &Row, queues: &[String]) -> Result<Box<dyn Consume>, DoorError> {
        let [tube] = queues else { return Err(DoorError::Unable(ONE_TUBE)) };
        Ok(Box::new(Consuming::of(Session::open(self.0)?, tube, row)?))
    }

    fn idle(&self) -> Result<Box<dyn Send>, DoorError> {
        Ok(Box::new(Session::open(self.0)?))
    }

    fn keeps_order(&self, _: &Row) -> bool {
        true
    }

    fn waiting(&self, row: &Row) -> Result<u64, DoorError> {
        let mut session = Session::open(self.0)?;
        let mut waiting = 0;
        for tube in row.queue_names() {
            match session.call(&format!("stats-tube {tube}"))? {
                Answer::Figures(figures) => {
                    for name in ["current-jobs-ready", "current-jobs-reserved"] {
                        let count = figure(figures, name).and_then(|text| text.parse::<u64>().ok());
                        waiting += count.ok_or(DoorError::Misread("number of jobs"))?;
                    }
                }
                // A tube without jobs and clients is no more.
                Answer::NotFound => {}
                other => return Err(unexpected(other)),
            }
        }
        Ok(waiting)
    }

    fn clear(&self, row: &Row) -> Result<(), DoorError> {
        row.queue_names()
            .iter()
            .try_for_each(|tube| Consuming::of(Session::open(self.0)?, tube, row)?.empty())
    }
}

/// Why a consumer has one tube.
const ONE_TUBE: &str =
    "a job of beanstalkd does not say its tube: there must be at least as many consumers as queues, or none";

/// What a row wants that beanstalkd does not have.
fn inability(row: &Row) -> Option<&'static str> {
    [
        (row.fan_out, "beanstalkd has no fan-out: a job is in one tube"),
        (row.groups > 0, "beanstalkd has no groups"),
        (
            row.acking == Acking::NoAck,
            "beanstalkd has no consumers without acks: a job stays until it is deleted",
        ),
        (row.confirm_window == 0, "beanstalkd answers every put: confirm-window must be at least 1"),
        (row.consumers > 0 && row.consumers < row.queues, ONE_TUBE),
    ]
    .into_iter()
    .find_map(|(wanted, what)| wanted.then_some(what))
}

/// An answer that is none to what was asked.
fn unexpected(answer: Answer<'_>) -> DoorError {
    let text = match answer {
        Answer::Other(line) => line.to_owned(),
        other => format!("{other:?}"),
    };
    DoorError::Unexpected { answer: text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::row::Draft;

    #[test]
    fn what_beanstalkd_does_not_have_is_refused() {
        let said = |parameters: &[(&str, &str)]| {
            let mut draft = Draft::default();
            parameters.iter().for_each(|(name, text)| draft.set(name, text).unwrap());
            inability(&draft.row("a row").unwrap()).unwrap_or_default()
        };
        assert_eq!(said(&[("publishers", "4"), ("consumers", "4"), ("queues", "4")]), "");
        assert_eq!(said(&[("consumers", "0"), ("queues", "4")]), "");
        assert!(said(&[("fan-out", "true")]).contains("fan-out"));
        assert!(said(&[("groups", "2")]).contains("groups"));
        assert!(said(&[("ack", "none")]).contains("without acks"));
        assert!(said(&[("confirm-window", "0")]).contains("confirm-window"));
        assert!(said(&[("queues", "2")]).contains("tube"));
    }
}

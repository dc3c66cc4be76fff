//! Which messages are confirmed. Tags are the broker's, from 1: message n has tag n + 1.

use leveret_amqp::codec::method::basic;

use super::ClientError;

/// The messages that wait for their confirm, at most a window of them, and when each was to be sent.
pub(crate) struct Confirms {
    window: u64,
    /// Every message below is confirmed.
    settled: u64,
    /// By number, modulo the length, which is a power of two. Empty without confirms.
    waiting: Vec<Waiting>,
}

#[derive(Clone, Copy, Default)]
struct Waiting {
    intended_ns: u64,
    /// It was confirmed, but one before it was not.
    early: bool,
}

impl Confirms {
    /// `window` is 0 for a publisher without confirms.
    pub(crate) fn new(window: usize) -> Self {
        let slots = if window == 0 { 0 } else { window.next_power_of_two() };
        Self { window: window as u64, settled: 0, waiting: vec![Waiting::default(); slots] }
    }

    /// How many more messages may be sent, or `None` if there is no bound.
    #[inline]
    pub(crate) fn room(&self, sent: u64) -> Option<u64> {
        (self.window > 0).then(|| self.window - (sent - self.settled))
    }

    /// How many messages are confirmed in a row, from the first.
    pub(crate) fn settled(&self) -> u64 {
        self.settled
    }

    /// Takes down when a message was to be sent.
    #[inline]
    pub(crate) fn sent(&mut self, number: u64, intended_ns: u64) {
        if self.window > 0 {
            self.slot(number).intended_ns = intended_ns;
        }
    }

    /// Settles what an ack is for; `confirmed` is told of each message when it was to be sent.
    ///
    /// # Errors
    /// [`ClientError::WrongConfirm`] for a tag that is not waited for.
    #[inline]
    pub(crate) fn settle(
        &mut self,
        ack: basic::Ack,
        sent: u64,
        mut confirmed: impl FnMut(u64),
    ) -> Result<(), ClientError> {
        let basic::Ack { delivery_tag, multiple } = ack;
        // RabbitMQ may end a run with tag 0, which stands for all that was sent.
        let last = if multiple && delivery_tag == 0 { sent } else { delivery_tag };
        if last <= self.settled || last > sent {
            return Err(ClientError::WrongConfirm { delivery_tag });
        }
        let first = if multiple { self.settled } else { last - 1 };
        for number in first..last {
            let slot = self.slot(number);
            if !std::mem::replace(&mut slot.early, true) {
                confirmed(slot.intended_ns);
            } else if !multiple {
                return Err(ClientError::WrongConfirm { delivery_tag });
            }
        }
        while self.settled < sent && std::mem::take(&mut self.slot(self.settled).early) {
            self.settled += 1;
        }
        Ok(())
    }

    #[inline]
    fn slot(&mut self, number: u64) -> &mut Waiting {
        let mask = self.waiting.len() - 1;
        &mut self.waiting[number as usize & mask]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(delivery_tag: u64, multiple: bool) -> basic::Ack {
        basic::Ack { delivery_tag, multiple }
    }

    #[test]
    fn confirms_come_in_any_order_and_each_is_told_once() {
        let mut confirms = Confirms::new(4);
        let mut told = Vec::new();
        (0..4).for_each(|number| confirms.sent(number, 100 + number));
        assert_eq!(confirms.room(4), Some(0));
        confirms.settle(ack(2, false), 4, |at| told.push(at)).unwrap();
        assert_eq!(confirms.room(4), Some(0), "the first one still waits");
        confirms.settle(ack(1, false), 4, |at| told.push(at)).unwrap();
        assert_eq!(confirms.room(4), Some(2));
        (4..6).for_each(|number| confirms.sent(number, 100 + number));
        confirms.settle(ack(6, false), 6, |at| told.push(at)).unwrap();
        confirms.settle(ack(5, true), 6, |at| told.push(at)).unwrap();
        assert_eq!(confirms.settled(), 6, "what was confirmed early counts");
        assert_eq!(confirms.room(6), Some(4));
        assert_eq!(told, [101, 100, 105, 102, 103, 104]);
        assert_eq!(Confirms::new(0).room(6), None);
    }

    #[test]
    fn a_confirm_of_nothing_is_an_error() {
        let mut confirms = Confirms::new(8);
        confirms.settle(ack(3, true), 6, drop).unwrap();
        confirms.settle(ack(5, false), 6, drop).unwrap();
        for wrong in [ack(0, false), ack(3, false), ack(5, false), ack(7, true)] {
            let refused = confirms.settle(wrong, 6, drop);
            assert!(matches!(refused, Err(ClientError::WrongConfirm { .. })), "{wrong:?}");
        }
    }
}

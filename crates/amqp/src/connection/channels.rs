//! The channels of a connection, by their numbers.

use crate::channel::Channel;

/// One slot for each number up to the highest that was opened.
#[derive(Debug, Default)]
pub(super) struct Channels {
    slots: Vec<Slot>,
    /// How many are open or closing.
    used: usize,
}

/// What there is behind a number.
#[derive(Debug, Default)]
pub(super) enum Slot {
    /// Nothing; the client may open it.
    #[default]
    Free,
    /// An open channel.
    Open(Box<Channel>),
    /// A channel that we closed: all is ignored until the client agrees.
    Closing,
}

impl Channels {
    /// The open channel of that number.
    #[inline]
    pub(super) fn open_mut(&mut self, number: u16) -> Option<&mut Channel> {
        match self.slots.get_mut(usize::from(number)) {
            Some(Slot::Open(channel)) => Some(channel),
            _ => None,
        }
    }

    /// Whether the number is that of a channel that we closed.
    pub(super) fn is_closing(&self, number: u16) -> bool {
        matches!(self.slots.get(usize::from(number)), Some(Slot::Closing))
    }

    /// Puts something behind a number, and answers what was there.
    pub(super) fn put(&mut self, number: u16, slot: Slot) -> Slot {
        let index = usize::from(number);
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, Slot::default);
        }
        self.used += usize::from(!matches!(slot, Slot::Free));
        let before = std::mem::replace(&mut self.slots[index], slot);
        self.used -= usize::from(!matches!(before, Slot::Free));
        before
    }

    /// How many numbers are in use.
    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// The open channels.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Channel> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Open(channel) => Some(&**channel),
            Slot::Free | Slot::Closing => None,
        })
    }

    /// Takes all open ones out.
    pub(super) fn take(&mut self) -> Vec<Channel> {
        self.used = 0;
        let slots = std::mem::take(&mut self.slots);
        let open = slots.into_iter().filter_map(|slot| match slot {
            Slot::Open(channel) => Some(*channel),
            Slot::Free | Slot::Closing => None,
        });
        open.collect()
    }
}

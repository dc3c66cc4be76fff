//! A table of slots that are used again, each use with a generation of its own, so that the id of what
//! is gone finds nothing.

/// A slot table. Ids are `(slot, generation)` pairs.
#[derive(Debug)]
pub(super) struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    len: usize,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Slots<T> {
        Slots { slots: Vec::new(), free: Vec::new(), len: 0 }
    }
}

impl<T> Slots<T> {
    /// Puts a value in; the answer is its slot and generation.
    pub(super) fn insert(&mut self, value: T) -> (u32, u32) {
        self.len += 1;
        if let Some(slot) = self.free.pop() {
            let entry = &mut self.slots[slot as usize];
            entry.value = Some(value);
            return (slot, entry.generation);
        }
        self.slots.push(Slot { generation: 0, value: Some(value) });
        ((self.slots.len() - 1) as u32, 0)
    }

    /// Takes a value out; `None` when the id is stale.
    pub(super) fn remove(&mut self, slot: u32, generation: u32) -> Option<T> {
        let entry = self.slots.get_mut(slot as usize)?;
        if entry.generation != generation {
            return None;
        }
        let value = entry.value.take()?;
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(slot);
        self.len -= 1;
        Some(value)
    }

    /// The value of an id that may be stale.
    pub(super) fn get(&self, slot: u32, generation: u32) -> Option<&T> {
        let entry = self.slots.get(slot as usize)?;
        if entry.generation == generation { entry.value.as_ref() } else { None }
    }

    /// The value of an id that may be stale, to change.
    pub(super) fn get_mut(&mut self, slot: u32, generation: u32) -> Option<&mut T> {
        let entry = self.slots.get_mut(slot as usize)?;
        if entry.generation == generation { entry.value.as_mut() } else { None }
    }

    /// The value in a slot, whatever its generation.
    pub(super) fn at(&self, slot: u32) -> Option<&T> {
        self.slots.get(slot as usize)?.value.as_ref()
    }

    /// The value in a slot, whatever its generation, to change.
    pub(super) fn at_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.slots.get_mut(slot as usize)?.value.as_mut()
    }

    /// The value in a slot, to change, and the slot's generation.
    pub(super) fn entry_mut(&mut self, slot: u32) -> Option<(u32, &mut T)> {
        let entry = self.slots.get_mut(slot as usize)?;
        Some((entry.generation, entry.value.as_mut()?))
    }

    /// The generation of a slot in use.
    pub(super) fn generation(&self, slot: u32) -> Option<u32> {
        let entry = self.slots.get(slot as usize)?;
        entry.value.as_ref().map(|_| entry.generation)
    }

    /// Every value with its slot, in the order of the slots.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.slots.iter().enumerate().filter_map(|(slot, entry)| Some((slot as u32, entry.value.as_ref()?)))
    }

    /// Every value, in the order of the slots, to change.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().filter_map(|entry| entry.value.as_mut())
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }
}

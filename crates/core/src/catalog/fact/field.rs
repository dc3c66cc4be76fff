//! The bytes of each type that a fact's field can have. Integers are big-endian; texts, blobs, lists and tables have
//! a 32-bit length in front; an option is an octet, 0 or 1, and then its value; an enumeration is an octet.

use crate::catalog::access::{AccessKey, HashAlgorithm, PasswordHash, UserLimits};
use crate::catalog::policy::{ApplyTo, PolicyScope};
use crate::catalog::state::{Attributes, DestinationKind, MoveStatus, MoveTask, QueueKind, VhostLimits};
use crate::wire::{RawTable, Reader, Table, WireError};
use crate::{ConnectionId, QueueId, Time};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A type of which a field can be.
pub(super) trait Field: Sized {
    /// Appends the value.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes a value from the front.
    fn take(fields: &mut Reader<'_>) -> Result<Self, WireError>;
}

/// Integers, in as many bytes as they have.
macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Field for $type {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn take(fields: &mut Reader<'_>) -> Result<Self, WireError> {
                Ok(<$type>::from_be_bytes(fields.array()?))
            }
        }
    )*};
}

/// Enumerations without fields: a number for each variant, which never changes.
macro_rules! enumerations {
    ($($type:ident { $($variant:ident = $number:literal),* })*) => {$(
        impl Field for $type {
            fn put(&self, out: &mut Vec<u8>) {
                out.push(match self { $($type::$variant => $number),* });
            }

            fn take(fields: &mut Reader<'_>) -> Result<Self, WireError> {
                match fields.octet()? {
                    $($number => Ok($type::$variant),)*
                    other => Err(WireError::UnknownFieldType(other)),
                }
            }
        }
    )*};
}

/// Structures: their fields, in order.
macro_rules! structures {
    ($($type:ident { $($field:tt),* })*) => {$(
        impl Field for $type {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)*
            }

            fn take(fields: &mut Reader<'_>) -> Result<Self, WireError> {
                Ok($type { $($field: Field::take(fields)?),* })
            }
        }
    )*};
}

integers!(u16, u32, u64, i64);

enumerations! {
    QueueKind { Classic = 0, Quorum = 1 }
    DestinationKind { Queue = 0, Exchange = 1 }
    PolicyScope { User = 0, Operator = 1 }
    ApplyTo { All = 0, Exchanges = 1, Queues = 2, ClassicQueues = 3, QuorumQueues = 4, Streams = 5 }
    MoveStatus { Running = 0, Cancelling = 1, Cancelled = 2, Completed = 3, Failed = 4 }
    HashAlgorithm { Sha256 = 0, Sha512 = 1, Md5 = 2 }
}

structures! {
    QueueId { 0 }
    ConnectionId { 0 }
    Time { 0 }
    VhostLimits { max_connections, max_queues }
    UserLimits { max_connections, max_channels }
    PasswordHash { algorithm, bytes }
    AccessKey { id, secret, user, created_at }
    Attributes { values, tags }
    MoveTask { vhost, source, destination, rate, started_at, messages, moved, status, failure }
}

impl Field for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(fields: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(fields.octet()? != 0)
    }
}

impl Field for Arc<[u8]> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u32).put(out);
        out.extend_from_slice(self);
    }

    fn take(fields: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(fields.long_str()?.into())
    }
}

impl Field for Arc<str> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u32).put(out);
        out.extend_from_slice(self.as_bytes());
    }

    /// Only whole strings are written, so what is not UTF-8 was damaged beyond what a reader can mend; it is kept
    /// readable instead of stopping the broker.
    fn take(fields: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(String::from_utf8_lossy(fields.long_str()?).into())
    }
}

impl Field for Table {
    fn put(&self, out: &mut Vec<u8>) {
        self.encode(out);
    }

    fn take(fields: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(RawTable::read(fields)?.into())
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_some()));
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(fields: &mut Reader<'_>) -> Result<Self, WireError> {
        match fields.octet()? {
            0 => Ok(None),
            _ => Ok(Some(T::take(fields)?)),
        }
    }
}

/// In the order of the keys.
impl<K: Field + Ord, V: Field> Field for BTreeMap<K, V> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u32).put(out);
        for (key, value) in self {
            key.put(out);
            value.put(out);
        }
    }

    fn take(fields: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = fields.long()?;
        (0..count).map(|_| Ok((K::take(fields)?, V::take(fields)?))).collect()
    }
}

impl<T: Field> Field for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u32).put(out);
        for item in self {
            item.put(out);
        }
    }

    fn take(fields: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = fields.long()?;
        (0..count).map(|_| T::take(fields)).collect()
    }
}

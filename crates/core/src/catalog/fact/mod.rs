//! Facts: what changes the catalog, and their bytes in its log and its checkpoints.
//!
//! A record of kind [`CATALOG_FACTS`] holds the facts of one command, a checkpoint all that the state takes to
//! rebuild; both are a plain sequence. A fact is a number (16 bits), the length of its fields (32 bits), and the
//! fields in the order written below, as [`field`] encodes each type. All integers are big-endian.
//!
//! Version rule: the fields behind a number never change. A fact that needs other fields gets a new number, and the
//! old number is read for as long as logs with it may exist. A number that is new since the last release raises
//! [`FACT_VERSION`], so that an older broker refuses the log instead of losing what it does not understand; all
//! numbers of the first release are of version 1.

mod events;
mod field;
#[cfg(test)]
mod tests;

use super::access::{AccessKey, PasswordHash, UserLimits};
use super::policy::{ApplyTo, PolicyScope};
use super::state::{Attributes, DestinationKind, MoveTask, QueueKind, VhostLimits};
use crate::wire::{Reader, Table, WireError};
use crate::{ConnectionId, QueueId, Time};
use field::Field;
use leveret_log::Tag;
use std::fmt;
use std::sync::Arc;

/// Record kind: the facts of one command.
pub const CATALOG_FACTS: u8 = 64;
/// The version of such a record.
pub const FACT_VERSION: u8 = 1;

pub(super) const TAG: Tag = Tag { kind: CATALOG_FACTS, version: FACT_VERSION };

/// Declares the facts once: their numbers, fields, and the reading and writing of both.
macro_rules! facts {
    ($($(#[$about:meta])* $number:literal $name:ident { $($field:ident: $type:ty),* $(,)? })*) => {
        /// One change of the catalog.
        #[derive(Clone, PartialEq, Debug)]
        #[expect(missing_docs, reason = "the fields are the entity's, which says what they mean")]
        pub enum Fact {
            $($(#[$about])* $name { $($field: $type),* },)*
        }

        impl Fact {
            fn number(&self) -> u16 {
                match self { $(Fact::$name { .. } => $number,)* }
            }

            fn encode_fields(&self, out: &mut Vec<u8>) {
                match self { $(Fact::$name { $($field),* } => { $($field.put(out);)* })* }
            }

            fn decode_fields(number: u16, fields: &mut Reader<'_>) -> Result<Fact, FactError> {
                match number {
                    $($number => Ok(Fact::$name {
                        $($field: Field::take(fields).map_err(|error| FactError::Malformed { number, error })?),*
                    }),)*
                    _ => Err(FactError::UnknownFact { number }),
                }
            }
        }
    };
}

facts! {
    /// Queues may get serial numbers up to here; none that is below and not in use is ever given out again.
    1 SerialsReserved { below: u64 }
    /// A global parameter has a value.
    2 ParameterPut { name: Arc<str>, value: Arc<[u8]> }
    /// A global parameter is no more.
    3 ParameterCleared { name: Arc<str> }
    /// A vhost is there, or is described anew. A new one has the predeclared exchanges.
    4 VhostPut { name: Arc<str>, description: Arc<str>, tags: Vec<Arc<str>>, default_queue_kind: QueueKind }
    /// A vhost has these limits.
    5 VhostLimitsSet { name: Arc<str>, limits: VhostLimits }
    /// A vhost is no more, nor anything in it, nor permissions for it.
    6 VhostDeleted { name: Arc<str> }
    /// A user is there, or has another password or other tags.
    7 UserPut { name: Arc<str>, password: Option<PasswordHash>, tags: Vec<Arc<str>> }
    /// A user has these limits.
    8 UserLimitsSet { name: Arc<str>, limits: UserLimits }
    /// A user, its permissions and its access keys are no more.
    9 UserDeleted { name: Arc<str> }
    /// A user has these permissions in a vhost.
    10 PermissionPut { user: Arc<str>, vhost: Arc<str>, configure: Arc<str>, write: Arc<str>, read: Arc<str> }
    /// A user has no permission in a vhost.
    11 PermissionCleared { user: Arc<str>, vhost: Arc<str> }
    /// A user has these permissions on a topic exchange.
    12 TopicPermissionPut {
        user: Arc<str>,
        vhost: Arc<str>,
        exchange: Arc<str>,
        write: Arc<str>,
        read: Arc<str>,
    }
    /// A user has no topic permissions on one exchange of a vhost, or on none.
    13 TopicPermissionCleared { user: Arc<str>, vhost: Arc<str>, exchange: Option<Arc<str>> }
    /// A policy is there, in the place of any of the same name.
    14 PolicyPut {
        vhost: Arc<str>,
        scope: PolicyScope,
        name: Arc<str>,
        pattern: Arc<str>,
        apply_to: ApplyTo,
        priority: i64,
        definition: Table,
    }
    /// A policy is no more.
    15 PolicyCleared { vhost: Arc<str>, scope: PolicyScope, name: Arc<str> }
    /// An exchange is there.
    16 ExchangeDeclared {
        vhost: Arc<str>,
        name: Arc<str>,
        kind: Arc<str>,
        durable: bool,
        auto_delete: bool,
        internal: bool,
        arguments: Table,
    }
    /// An exchange is no more, nor bindings from it or to it.
    17 ExchangeDeleted { vhost: Arc<str>, name: Arc<str> }
    /// A queue is there.
    18 QueueDeclared {
        id: QueueId,
        vhost: Arc<str>,
        name: Arc<str>,
        kind: QueueKind,
        durable: bool,
        auto_delete: bool,
        exclusive_owner: Option<ConnectionId>,
        arguments: Table,
    }
    /// A queue is no more, nor bindings to it.
    19 QueueDeleted { id: QueueId }
    /// A binding is there.
    20 Bound {
        vhost: Arc<str>,
        source: Arc<str>,
        kind: DestinationKind,
        destination: Arc<str>,
        routing_key: Arc<str>,
        arguments: Table,
    }
    /// A binding is no more.
    21 Unbound {
        vhost: Arc<str>,
        source: Arc<str>,
        kind: DestinationKind,
        destination: Arc<str>,
        routing_key: Arc<str>,
        arguments: Table,
    }
    /// A vhost cannot be deleted, or can be again.
    22 VhostProtectionSet { name: Arc<str>, protected: bool }
    /// A queue has these attributes and tags, and no others.
    40 QueueAttributesSet { id: QueueId, attributes: Attributes }
    /// An exchange has these attributes and tags, and no others.
    41 ExchangeAttributesSet { vhost: Arc<str>, name: Arc<str>, attributes: Attributes }
    /// A message move task is there, or stands so.
    42 MoveTaskPut { id: Arc<str>, task: MoveTask }
    /// A message move task is remembered no more.
    43 MoveTaskForgotten { id: Arc<str> }
    /// An access key is there.
    44 AccessKeyPut { key: AccessKey }
    /// An access key is no more.
    45 AccessKeyDeleted { id: Arc<str> }
    /// A queue of this name was deleted, and a door that wants so keeps the name from new queues for a while.
    46 QueueNameRetired { vhost: Arc<str>, name: Arc<str>, at: Time }
}

impl Fact {
    /// Appends the fact's bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.number().put(out);
        let start = out.len();
        0u32.put(out);
        self.encode_fields(out);
        // A record fits a segment of at most 1 GiB, and the log refuses a larger one.
        let length = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }

    /// Reads a whole sequence of facts.
    ///
    /// # Errors
    /// [`FactError`] at the first fact that cannot be read; those before it have been given to `each`.
    pub fn decode_all(bytes: &[u8], each: &mut dyn FnMut(Fact)) -> Result<(), FactError> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let number = reader.short().map_err(|error| FactError::Malformed { number: 0, error })?;
            let malformed = |error| FactError::Malformed { number, error };
            let mut fields = Reader::new(reader.long_str().map_err(malformed)?);
            let fact = Fact::decode_fields(number, &mut fields)?;
            fields.finish().map_err(malformed)?;
            each(fact);
        }
        Ok(())
    }
}

/// Why facts could not be read. Their checksum held, so they were written by another version, or wrongly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FactError {
    /// The record is of a later version of Leveret.
    NewerVersion {
        /// The record's version.
        version: u8,
    },
    /// No fact has this number.
    UnknownFact {
        /// The number.
        number: u16,
    },
    /// A fact's fields are not what its number says.
    Malformed {
        /// The fact's number; 0 if not even that could be read.
        number: u16,
        /// What is wrong.
        error: WireError,
    },
}

impl fmt::Display for FactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FactError::NewerVersion { version } => write!(
                f,
                "the catalog's facts have version {version}, and this broker reads up to {FACT_VERSION}: \
                 they were written by a newer one"
            ),
            FactError::UnknownFact { number } => write!(f, "the catalog holds an unknown fact {number}"),
            FactError::Malformed { number, error } => {
                write!(f, "fact {number} of the catalog is malformed: {error}")
            }
        }
    }
}

impl std::error::Error for FactError {}

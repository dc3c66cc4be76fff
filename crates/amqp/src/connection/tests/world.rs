//! The broker that the tests run against, and what the door asks of the server: messages, and who may log in.

use crate::connection::{Authenticator, Bodies, BodyError, Credentials, LoginRefused, Peer, Usage};
use leveret_core::catalog::Catalog;
use leveret_core::{Position, ShardIndex};
use leveret_log::{ReadCache, Reader};
use std::sync::Arc;

/// With the connections that users and vhosts have elsewhere.
pub(super) type World = leveret_rig::World<Usage>;

/// The messages in the logs of a world.
pub(super) struct Messages {
    /// Of each shard, with a cache of its own: positions of two logs are the same numbers.
    readers: Vec<(Reader, ReadCache)>,
    /// They cannot be read.
    pub(super) broken: bool,
    /// Memory for large bodies that was given back.
    pub(super) buffers: Vec<Vec<u8>>,
}

impl Messages {
    pub(super) fn of(world: &World) -> Messages {
        let readers = world.readers().into_iter().map(|reader| (reader, ReadCache::new())).collect();
        Messages { readers, broken: false, buffers: Vec::new() }
    }
}

impl Bodies for Messages {
    fn record(&mut self, shard: ShardIndex, location: Position) -> Result<(u8, &[u8]), BodyError> {
        if self.broken {
            return Err(BodyError("a disk fault".into()));
        }
        let (reader, cache) = &mut self.readers[usize::from(shard.0)];
        let (tag, payload) = reader.payload(cache, location).map_err(|error| BodyError(error.to_string()))?;
        Ok((tag.kind, payload))
    }

    fn buffer(&mut self) -> Vec<u8> {
        self.buffers.pop().unwrap_or_default()
    }

    fn give_back(&mut self, buffer: Vec<u8>) {
        self.buffers.push(buffer);
    }
}

/// Everybody's password is their name.
pub(super) struct Accounts {
    pub(super) usage: Usage,
}

impl Authenticator for Accounts {
    fn verify(
        &self,
        _catalog: &Catalog,
        credentials: &Credentials<'_>,
        peer: &Peer,
    ) -> Result<Arc<str>, LoginRefused> {
        match credentials {
            Credentials::Password { user, password } if user.as_bytes() == *password => Ok((*user).into()),
            Credentials::Certificate(name) => Ok((*name).into()),
            Credentials::Anonymous if peer.loopback => Ok("guest".into()),
            _ => Err(LoginRefused("wrong password".into())),
        }
    }

    fn usage(&self, _user: &str, _vhost: &str) -> Usage {
        self.usage
    }
}

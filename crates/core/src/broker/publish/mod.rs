//! Publish: from a message to the queues that take it, whether it comes from a client ([`Publish`], [`send`]), died in a
//! queue ([`dead_letter`]) or was published before its queue was bound ([`history`]).

mod dead_letter;
mod history;
mod plain;
mod routes;
mod send;

pub use dead_letter::PendingTransfer;
pub(super) use dead_letter::transfer;
pub use history::History;
pub(super) use history::recall;
pub(super) use plain::PlainProperties;
pub(super) use routes::Routes;
pub use send::{FanOut, Send, Sent, fan_out, send};

use super::{Access, Session, Waits};
use crate::catalog::{Routed, RoutedMessage};
use crate::limits::{DELAY_MS, MESSAGE_PROPERTIES_BYTES};
use crate::message::{NewMessage, Traits};
use crate::shard::{Alike, Contents};
use crate::wire::{HeaderEdit, RawProperties, RawValue};
use crate::{Cause, LogId, QueueId, Refusal, ShardIndex, Wait};
use history::remember;
use routes::{Route, RoutePlace};
use rustc_hash::FxHasher;
use std::hash::Hasher;

/// A message that a client publishes.
#[derive(Clone, Copy, Debug)]
pub struct Publish<'a> {
    /// The exchange; empty is the default exchange.
    pub exchange: &'a str,
    /// The routing key.
    pub routing_key: &'a str,
    /// AMQP property flags and list, as they came.
    pub properties: &'a [u8],
    /// The body.
    pub body: &'a [u8],
}

/// A publish that was checked and whose way is known. It holds nothing of the message's bytes: two that are equal are of
/// messages that go the same way and ask for the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    route: RoutePlace,
    traits: Traits,
}

/// What became of a publish.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// At least one queue was found for it. A mandatory message that found none is returned.
    pub routed: bool,
    /// A queue was full and refused it: the publisher gets a nack.
    pub refused: bool,
    /// What the confirm waits for.
    pub waits: Waits,
}

impl Session {
    /// Plans a publish by what the session knows, before any shard is taken. `None` where more is to be done or
    /// something is wrong: then [`Session::publish`] does it, or says what.
    pub fn plan<A: Access>(&mut self, access: &A, publish: &Publish<'_>) -> Option<Plan> {
        let version = access.catalog().version();
        let route = self.routes.find(version, publish.exchange, publish.routing_key)?;
        if let Some(traits) = self.plain.traits_of(publish.properties) {
            return Some(Plan { route, traits });
        }
        let (properties, mut traits) = self.check_message(access, publish).ok()?;
        if properties.header("CC").is_some() || properties.header("BCC").is_some() {
            return None;
        }
        if self.routes.at(route)?.delayed {
            traits.delay_ms = delay_of(&properties);
        }
        self.plain.keep(publish.properties, &properties, traits);
        Some(Plan { route, traits })
    }

    /// Stores a message as it was planned, with the properties and the body that the plan was made for. Nothing
    /// may have been published on the session since, except by other plans, nor the catalog have changed.
    ///
    /// # Errors
    /// [`Cause::Internal`] when the log refuses it.
    #[inline]
    pub fn store<A: Access>(
        &mut self,
        access: &mut A,
        plan: &Plan,
        properties: &[u8],
        body: &[u8],
    ) -> Result<Outcome, Refusal> {
        let route = self.routes.at(plan.route);
        let route =
            route.ok_or_else(|| Refusal::new(Cause::Internal, "the plan of a publish is out of date"))?;
        let Route { exchange, routing_key, queues, .. } = route;
        store(access, queues, &Publish { exchange, routing_key, properties, body }, properties, plan.traits)
    }

    /// Stores a run of messages that were planned alike, as [`Session::store`] would store each; the same must hold.
    /// Answers for how many it has, and what became of each of them; the others are left to [`Session::store`]: the
    /// queues are of several shards, or have to look at each message, or the log refuses the next one.
    #[inline]
    pub fn store_run<'m, A: Access>(
        &mut self,
        access: &mut A,
        plan: &Plan,
        messages: impl Iterator<Item = Contents<'m>>,
    ) -> Option<(u64, Outcome)> {
        let Route { exchange, routing_key, queues, .. } = self.routes.at(plan.route)?;
        let shard = queues.first()?.shard();
        if queues.last()?.shard() != shard {
            return None;
        }
        let alike = Alike { exchange, routing_key, traits: plan.traits };
        let stored = access.shard(shard).publish_run(queues, &alike, messages)?;
        let waits = match plan.traits.persistent && stored.durable {
            true => Wait { log: LogId::Shard(shard), position: stored.durable_at }.into(),
            false => Waits::None,
        };
        Some((stored.count, Outcome { routed: true, refused: false, waits }))
    }

    /// Routes a message and stores it in the queues that it reaches.
    ///
    /// # Errors
    /// [`Cause::NotFound`] for an unknown exchange, [`Cause::AccessRefused`] without write permission or for an
    /// internal exchange, [`Cause::PreconditionFailed`] for properties that are wrong (expiration, user-id, CC),
    /// [`Cause::Internal`] when the log refuses it.
    pub fn publish<A: Access>(&mut self, access: &mut A, publish: &Publish<'_>) -> Result<Outcome, Refusal> {
        match self.plan(access, publish) {
            Some(plan) => self.store(access, &plan, publish.properties, publish.body),
            None => self.publish_anew(access, publish),
        }
    }

    /// Publishes a message whose way the session does not know, or cannot keep.
    fn publish_anew<A: Access>(&mut self, access: &mut A, publish: &Publish<'_>) -> Result<Outcome, Refusal> {
        let (properties, mut traits) = self.check_message(access, publish)?;
        let sender_selected = properties.header("CC").is_some() || properties.header("BCC").is_some();
        self.routed += 1;
        let (route, routed) = self.route(access, publish, &properties)?;
        if route.delayed {
            traits.delay_ms = delay_of(&properties);
        }
        let mut rewritten = std::mem::take(&mut self.rewritten);
        let raw = without_bcc(&properties, publish.properties, &mut rewritten)?;
        let mut outcome = store(access, &route.queues, publish, raw, traits);
        if routed.remembered && outcome.is_ok() {
            self.remember(access, publish, &properties, raw)?;
        }
        self.rewritten = rewritten;
        let declared = outcome.as_mut().is_ok_and(|outcome| wait_for_declarations(access, outcome));
        // A route whose queues may not survive a crash yet is not kept, so that the next message asks again.
        if declared && routed.cacheable && !sender_selected {
            self.routes.keep(route);
        }
        outcome
    }

    /// Whether a message could be published now, for a transaction that keeps it until its commit.
    ///
    /// # Errors
    /// As [`Session::publish`], but for what only storing can tell.
    pub fn may_publish<A: Access>(&self, access: &mut A, publish: &Publish<'_>) -> Result<(), Refusal> {
        let (properties, _) = self.check_message(access, publish)?;
        self.route(access, publish, &properties).map(|_| ())
    }

    /// Checks what a message says of itself.
    #[inline]
    fn check_message<'a, A: Access>(
        &self,
        access: &A,
        publish: &Publish<'a>,
    ) -> Result<(RawProperties<'a>, Traits), Refusal> {
        let properties = self.check_properties(publish)?;
        let traits = traits_of(&properties)?;
        if let Some(user_id) = properties.user_id {
            self.check_user_id(access.catalog(), user_id)?;
        }
        Ok((properties, traits))
    }

    fn check_properties<'a>(&self, publish: &Publish<'a>) -> Result<RawProperties<'a>, Refusal> {
        if publish.properties.len() > MESSAGE_PROPERTIES_BYTES {
            return Err(Refusal::precondition(format!(
                "message properties are larger than {MESSAGE_PROPERTIES_BYTES} bytes"
            )));
        }
        RawProperties::parse(publish.properties)
            .map_err(|error| Refusal::precondition(format!("malformed message properties: {error}")))
    }

    /// Asks the catalog where a message goes, for its routing key and for those in CC and BCC.
    pub(super) fn route<A: Access>(
        &self,
        access: &mut A,
        publish: &Publish<'_>,
        properties: &RawProperties<'_>,
    ) -> Result<(Route, Routed), Refusal> {
        let catalog = access.catalog();
        let keys = routing_keys(publish, properties)?;
        catalog.may_publish(&self.user, &self.vhost, publish.exchange, &keys)?;
        let mut queues = Vec::new();
        let message = self.routed_message(&keys, publish, properties);
        let routed = catalog.route(&self.vhost, publish.exchange, &message, &mut queues)?;
        queues.sort_unstable();
        let route = Route {
            exchange: publish.exchange.into(),
            routing_key: publish.routing_key.into(),
            queues,
            delayed: routed.delayed,
        };
        Ok((route, routed))
    }

    /// Keeps the message at hand, which was routed just now, for the exchanges on its way that remember: with the
    /// properties that consumers see.
    #[cold]
    fn remember<A: Access>(
        &self,
        access: &mut A,
        publish: &Publish<'_>,
        properties: &RawProperties<'_>,
        raw: &[u8],
    ) -> Result<(), Refusal> {
        let keys = routing_keys(publish, properties)?;
        let stored = Publish { properties: raw, ..*publish };
        remember(access, &self.vhost, &stored, &self.routed_message(&keys, publish, properties));
        Ok(())
    }

    /// The message at hand as routing sees it: asked again, it goes the same way again.
    fn routed_message<'a>(
        &self,
        routing_keys: &'a [&'a str],
        publish: &Publish<'a>,
        properties: &'a RawProperties<'a>,
    ) -> RoutedMessage<'a> {
        let draw = RoutedMessage::draw(self.connection.0, self.routed);
        RoutedMessage { routing_keys, properties, body: publish.body, draw }
    }

    /// RabbitMQ's validated user-id: it must name the publisher, unless that may impersonate.
    fn check_user_id(&self, catalog: &crate::catalog::Catalog, user_id: &[u8]) -> Result<(), Refusal> {
        if user_id == self.user.as_bytes() || catalog.has_tag(&self.user, "impersonator") {
            return Ok(());
        }
        Err(Refusal::precondition(format!(
            "user_id property set to '{}' but authenticated user was '{}'",
            String::from_utf8_lossy(user_id),
            self.user
        )))
    }
}

/// Stores a message in queues that may be of several shards; those of one shard are side by side.
pub(super) fn store<A: Access>(
    access: &mut A,
    queues: &[QueueId],
    publish: &Publish<'_>,
    properties: &[u8],
    traits: Traits,
) -> Result<Outcome, Refusal> {
    let message = NewMessage {
        exchange: publish.exchange,
        routing_key: publish.routing_key,
        properties,
        body: publish.body,
        traits,
        deduplication: None,
    };
    let mut outcome = Outcome { routed: !queues.is_empty(), ..Outcome::default() };
    for targets in queues.chunk_by(|a, b| a.shard() == b.shard()) {
        let shard: ShardIndex = targets[0].shard();
        let published = access.shard(shard).publish(targets, &message).map_err(|error| {
            Refusal::new(Cause::Internal, format!("the log refused the message: {error}"))
        })?;
        outcome.refused |= published.refused;
        if traits.persistent && published.durable {
            let wait = Wait { log: LogId::Shard(shard), position: published.durable_at };
            match outcome.waits {
                Waits::None => outcome.waits = Waits::One(wait),
                _ => outcome.waits.add(wait),
            }
        }
    }
    Ok(outcome)
}

/// A queue that somebody has declared a moment ago may not survive a crash yet: a message in it is safe only once the
/// catalog is, and its outcome waits for that. Answers whether the catalog is durable already.
pub(super) fn wait_for_declarations<A: Access>(access: &A, outcome: &mut Outcome) -> bool {
    let known = Wait { log: LogId::Catalog, position: access.catalog().position() };
    let is_durable = access.durable(known.log) >= known.position;
    if !is_durable && !outcome.waits.is_empty() {
        outcome.waits.add(known);
    }
    is_durable
}

/// All routing keys of a message: its own, then those of its headers CC and BCC.
pub(super) fn routing_keys<'a>(
    publish: &Publish<'a>,
    properties: &RawProperties<'a>,
) -> Result<Vec<&'a str>, Refusal> {
    let mut keys = vec![publish.routing_key];
    for header in ["CC", "BCC"] {
        keys.extend(sender_selected(properties, header)?);
    }
    Ok(keys)
}

/// What the engine needs to know of the properties.
pub(super) fn traits_of(properties: &RawProperties<'_>) -> Result<Traits, Refusal> {
    Ok(Traits {
        persistent: properties.is_persistent(),
        priority: properties.priority,
        expiration_ms: properties.expiration.map(expiration_of).transpose()?,
        delay_ms: None,
        group: properties.header("x-group-key").and_then(group_of),
        sent_at: None,
    })
}

/// How long a message asks to be delayed (header `x-delay`, an integer of milliseconds). RabbitMQ's delayed
/// exchange routes a message at once when the delay is absent, not positive or too long.
pub(super) fn delay_of(properties: &RawProperties<'_>) -> Option<u64> {
    let delay = properties.header("x-delay")?;
    let ms = delay.as_i64().or_else(|| delay.as_str()?.parse().ok())?;
    u64::try_from(ms).ok().filter(|ms| *ms > 0 && *ms <= DELAY_MS)
}

/// The `expiration` property: milliseconds as decimal text, or it is refused (RabbitMQ's rule).
fn expiration_of(text: &[u8]) -> Result<u64, Refusal> {
    let parsed = std::str::from_utf8(text).ok().and_then(|text| text.parse::<u64>().ok());
    parsed.filter(|ms| *ms <= DELAY_MS).ok_or_else(|| {
        Refusal::precondition(format!("invalid expiration '{}'", String::from_utf8_lossy(text)))
    })
}

fn group_of(key: RawValue<'_>) -> Option<u64> {
    let mut hasher = FxHasher::default();
    match key.as_str() {
        Some(text) => hasher.write(text.as_bytes()),
        None => hasher.write_i64(key.as_i64()?),
    }
    // Zero means "no group" in an entry.
    Some(hasher.finish().max(1))
}

/// The routing keys of a CC or BCC header: an array of long strings, or the publish is refused.
fn sender_selected<'a>(properties: &RawProperties<'a>, header: &str) -> Result<Vec<&'a str>, Refusal> {
    let wrong =
        || Refusal::precondition(format!("invalid message: header \"{header}\" is no array of long strings"));
    match properties.header(header) {
        None => Ok(Vec::new()),
        Some(RawValue::Array(keys)) => keys.iter().map(|key| key.as_str().ok_or_else(wrong)).collect(),
        Some(_) => Err(wrong()),
    }
}

/// The properties without the BCC header, which no consumer may see.
fn without_bcc<'a>(
    properties: &RawProperties<'_>,
    raw: &'a [u8],
    rewritten: &'a mut Vec<u8>,
) -> Result<&'a [u8], Refusal> {
    if properties.header("BCC").is_none() {
        return Ok(raw);
    }
    rewritten.clear();
    properties
        .encode_with_headers(&[HeaderEdit::Remove("BCC")], rewritten)
        .map_err(|error| Refusal::precondition(format!("message properties: {error}")))?;
    Ok(rewritten)
}

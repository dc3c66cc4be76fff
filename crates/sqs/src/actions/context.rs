//! What every action needs: the broker, who asks, and where queues are.

use super::permission::{Verdict, Wish, verdict};
use crate::door::DoorSettings;
use crate::identity::Identity;
use crate::protocol::{ApiError, Call, Code, percent_decoded, percent_encode};
use leveret_core::broker::{Access, Waits};
use leveret_core::catalog::{Attributes, Caller, DestinationKind, Queue};
use leveret_core::{Cause, QueueId, Refusal, Wait};
use std::sync::Arc;

/// What every action needs.
#[derive(Debug)]
pub(crate) struct Context<'a, A> {
    /// The broker.
    pub(crate) access: &'a mut A,
    /// How the door behaves.
    pub(crate) settings: &'a DoorSettings,
    /// Who asks.
    pub(crate) identity: Identity,
    /// What queues' URLs begin with.
    base: String,
    /// Why nothing is taken in.
    pub(crate) blocked: Option<&'a str>,
    /// The trace that the request came with.
    pub(crate) trace: Option<String>,
    /// What the answer waits for.
    waits: Waits,
}

/// What a user wants to do to a queue, in the terms of the broker's permissions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Right {
    /// To make, change or delete it.
    Configure,
    /// To send to it.
    Write,
    /// To receive from it.
    Read,
}

impl<'a, A: Access> Context<'a, A> {
    /// A context for one call.
    pub(crate) fn new(
        access: &'a mut A,
        settings: &'a DoorSettings,
        identity: Identity,
        base: String,
        blocked: Option<&'a str>,
    ) -> Context<'a, A> {
        Context { access, settings, identity, base, blocked, trace: None, waits: Waits::None }
    }

    /// Nothing is taken in while there is no room for it: SQS's 503, which SDKs try again.
    ///
    /// # Errors
    /// [`Code::UNAVAILABLE`].
    pub(crate) fn check_room(&self) -> Result<(), ApiError> {
        let Some(reason) = self.blocked else { return Ok(()) };
        Err(ApiError::new(Code::UNAVAILABLE, format!("The broker takes no messages: {reason}.")))
    }

    /// Lets the answer wait for this, too.
    pub(crate) fn wait_for(&mut self, waits: &Waits) {
        for wait in waits.as_slice() {
            self.wait_for_one(*wait);
        }
    }

    /// Lets the answer wait for this, too.
    pub(crate) fn wait_for_one(&mut self, wait: Wait) {
        self.waits.add(wait);
    }

    /// What the answer waits for.
    pub(crate) fn take_waits(&mut self) -> Waits {
        std::mem::take(&mut self.waits)
    }

    /// The time, in milliseconds since the epoch.
    pub(crate) fn now_ms(&self) -> u64 {
        self.access.now().0
    }

    /// The queue that a call names, by its parameter or its path, if the user may do this to it.
    ///
    /// # Errors
    /// [`Code::NO_SUCH_QUEUE`], [`Code::MISSING_PARAMETER`], [`Code::ACCESS_DENIED`].
    pub(crate) fn queue(&self, call: &Call, right: Right) -> Result<Arc<Queue>, ApiError> {
        let name = match call.params.text("QueueUrl")?.filter(|url| !url.is_empty()) {
            Some(url) => queue_of_url(url),
            None => call.path_queue.clone(),
        };
        let name = name.ok_or_else(|| ApiError::missing("QueueUrl"))?;
        let queue = self.queue_named(&name).ok_or_else(ApiError::no_such_queue)?;
        self.authorize(&queue, &call.action, right)?;
        Ok(queue)
    }

    /// The queue of that name. One that belongs to an AMQP connection is nobody else's.
    pub(crate) fn queue_named(&self, name: &str) -> Option<Arc<Queue>> {
        let found = self.access.catalog().queue(&self.identity.vhost, name)?;
        found.exclusive_owner.is_none().then(|| found.clone())
    }

    /// Whether the user may do this to the queue: its policy decides, and where it says nothing the permissions do.
    ///
    /// # Errors
    /// [`Code::ACCESS_DENIED`].
    pub(crate) fn authorize(&self, queue: &Queue, action: &str, right: Right) -> Result<(), ApiError> {
        if self.allows(queue, action, right) {
            return Ok(());
        }
        Err(ApiError::new(
            Code::ACCESS_DENIED,
            format!(
                "User: arn:aws:iam::{}:user/{} is not authorized to perform: sqs:{action} on resource: {}",
                self.identity.account,
                self.identity.name(),
                self.arn(&queue.name)
            ),
        ))
    }

    /// As [`Context::authorize`], for those who have no use for an error.
    pub(crate) fn allows(&self, queue: &Queue, action: &str, right: Right) -> bool {
        let Some(user) = &self.identity.user else { return true };
        let wish = Wish { account: &self.identity.account, user, action, queue: &queue.name };
        match verdict(queue.attributes.get("Policy"), &wish) {
            Verdict::Allow => true,
            Verdict::Deny => false,
            Verdict::Silent => self.permitted(user, &queue.name, right).is_ok(),
        }
    }

    fn permitted(&self, user: &str, name: &str, right: Right) -> Result<(), Refusal> {
        let (catalog, vhost) = (self.access.catalog(), &*self.identity.vhost);
        let kind = DestinationKind::Queue;
        match right {
            Right::Configure => catalog.may_configure(user, vhost, kind, name),
            Right::Write => catalog.may_write(user, vhost, kind, name),
            Right::Read => catalog.may_read(user, vhost, kind, name),
        }
    }

    /// What URLs begin with.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The URL of a queue.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/{}/{}", self.base, self.identity.account, escaped(name))
    }

    /// The ARN of a queue.
    pub(crate) fn arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:{}:{}:{name}", self.identity.region, self.identity.account)
    }

    /// Gives a queue other attributes, and tells its shard.
    ///
    /// # Errors
    /// As the catalog's refusal.
    pub(crate) fn set_attributes(&mut self, queue: &Queue, attributes: Attributes) -> Result<(), ApiError> {
        let vhost = self.identity.vhost.clone();
        // The permission was checked, perhaps by the queue's own policy.
        let (set, wait) = self
            .access
            .change(|catalog| catalog.set_queue_attributes(Caller::BROKER, &vhost, &queue.name, attributes));
        let id = set.map_err(|refusal| refused(&refusal))?;
        self.apply(id);
        self.wait_for_one(wait);
        Ok(())
    }

    /// Tells a queue's shard how the queue behaves now.
    pub(crate) fn apply(&mut self, queue: QueueId) {
        leveret_core::broker::apply_settings(self.access, &[queue]);
    }
}

/// A refusal of the core, as SQS puts it.
pub(crate) fn refused(refusal: &Refusal) -> ApiError {
    match refusal.cause {
        Cause::NotFound => ApiError::no_such_queue(),
        Cause::AccessRefused | Cause::ResourceLocked => {
            ApiError::new(Code::ACCESS_DENIED, refusal.text.clone())
        }
        Cause::PreconditionFailed => ApiError::invalid(refusal.text.clone()),
        Cause::NotAllowed => ApiError::new(Code::OVER_LIMIT, refusal.text.clone()),
        Cause::NotImplemented => ApiError::new(Code::UNSUPPORTED, refusal.text.clone()),
        Cause::Internal => ApiError::new(Code::INTERNAL, refusal.text.clone()),
    }
}

/// The name of a queue from its URL: whatever the host and the account are, and from the name alone.
fn queue_of_url(url: &str) -> Option<String> {
    let name = url.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty())?;
    percent_decoded(name).map(std::borrow::Cow::into_owned)
}

/// A name in a URL. SQS's own names need no escapes; those of queues declared over AMQP may.
fn escaped(name: &str) -> String {
    let mut escaped = Vec::with_capacity(name.len());
    percent_encode(name.as_bytes(), &mut escaped);
    String::from_utf8(escaped).expect("an escape is ASCII, and so is what needs none")
}

/// The name at the end of an ARN of a queue; `None` if it is none.
pub(crate) fn queue_of_arn(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let head = [parts.next()?, parts.next()?, parts.next()?];
    let (_region, _account, name) = (parts.next()?, parts.next()?, parts.next()?);
    (head == ["arn", "aws", "sqs"] && !name.is_empty()).then_some(name)
}

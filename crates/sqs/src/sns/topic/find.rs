//! A topic by its ARN, and who may do what to it.

use crate::actions::Context;
use crate::protocol::{ApiError, Call, Code};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leveret_core::broker::Access;
use leveret_core::catalog::{Attributes, Caller, DestinationKind};
use std::sync::Arc;

/// The kind of exchange that a topic is.
pub(in crate::sns) const KIND: &str = "x-sns-topic";
/// Topics or subscriptions in one answer (AWS's limit).
const PAGE: usize = 100;

/// A topic, as it is when an action begins.
#[derive(Clone, Debug)]
pub(in crate::sns) struct Topic {
    pub(in crate::sns) name: Arc<str>,
    pub(in crate::sns) attributes: Attributes,
}

impl Topic {
    /// Whether groups of its messages stay in order.
    pub(in crate::sns) fn is_fifo(&self) -> bool {
        self.name.ends_with(".fifo")
    }

    /// Gives the topic other attributes.
    pub(in crate::sns) fn set<A: Access>(
        &self,
        context: &mut Context<'_, A>,
        attributes: Attributes,
    ) -> Result<(), ApiError> {
        let vhost = context.identity.vhost.clone();
        // The permission was checked when the topic was found.
        let (set, wait) = context.access.change(|catalog| {
            catalog.set_exchange_attributes(Caller::BROKER, &vhost, &self.name, attributes)
        });
        set.map_err(|refusal| ApiError::new(Code::INTERNAL, refusal.text))?;
        context.wait_for_one(wait);
        Ok(())
    }
}

/// What a user wants to do to a topic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sns) enum Right {
    Configure,
    Write,
    Read,
}

/// The topic that a parameter of a call names by its ARN.
///
/// # Errors
/// [`Code::SNS_INVALID`] for what is no ARN, [`Code::SNS_NOT_FOUND`], [`Code::SNS_DENIED`].
pub(in crate::sns) fn find<A: Access>(
    context: &Context<'_, A>,
    call: &Call,
    parameter: &str,
    right: Right,
) -> Result<Topic, ApiError> {
    let arn = call.params.text(parameter)?.filter(|arn| !arn.is_empty());
    let arn = arn.ok_or_else(|| invalid(format!("{parameter} Reason: no value for required parameter")))?;
    let name = name_of(arn).ok_or_else(|| {
        invalid(format!(
            "{parameter} Reason: An ARN must have at least 6 elements, not {}",
            arn.split(':').count()
        ))
    })?;
    let topic =
        named(context, name).ok_or_else(|| ApiError::new(Code::SNS_NOT_FOUND, "Topic does not exist"))?;
    authorize(context, &topic.name, &call.action, right)?;
    Ok(topic)
}

/// The topic of that name.
pub(in crate::sns) fn named<A: Access>(context: &Context<'_, A>, name: &str) -> Option<Topic> {
    let exchange = context.access.catalog().exchange(&context.identity.vhost, name)?;
    (exchange.kind == KIND)
        .then(|| Topic { name: exchange.name.clone(), attributes: exchange.attributes.clone() })
}

/// All topics, in the order of their names.
pub(in crate::sns) fn topics<A: Access>(context: &Context<'_, A>) -> Vec<Topic> {
    let exchanges = context.access.catalog().exchanges(&context.identity.vhost);
    let topic = |exchange: &leveret_core::catalog::Exchange| Topic {
        name: exchange.name.clone(),
        attributes: exchange.attributes.clone(),
    };
    exchanges.filter(|exchange| exchange.kind == KIND).map(topic).collect()
}

pub(in crate::sns) fn authorize<A: Access>(
    context: &Context<'_, A>,
    name: &str,
    action: &str,
    right: Right,
) -> Result<(), ApiError> {
    let Some(user) = &context.identity.user else { return Ok(()) };
    let (catalog, vhost) = (context.access.catalog(), &*context.identity.vhost);
    let kind = DestinationKind::Exchange;
    let permitted = match right {
        Right::Configure => catalog.may_configure(user, vhost, kind, name),
        Right::Write => catalog.may_write(user, vhost, kind, name),
        Right::Read => catalog.may_read(user, vhost, kind, name),
    };
    permitted.map_err(|_| {
        let (account, arn) = (&context.identity.account, topic_arn(context, name));
        ApiError::new(
            Code::SNS_DENIED,
            format!("User: arn:aws:iam::{account}:user/{user} is not authorized to perform: SNS:{action} on resource: {arn}"),
        )
    })
}

/// The ARN of a topic.
pub(in crate::sns) fn topic_arn<A: Access>(context: &Context<'_, A>, name: &str) -> String {
    format!("arn:aws:sns:{}:{}:{name}", context.identity.region, context.identity.account)
}

/// An error for a parameter, with the words that all of them begin with.
pub(in crate::sns) fn invalid(text: impl AsRef<str>) -> ApiError {
    ApiError::new(Code::SNS_INVALID, format!("Invalid parameter: {}", text.as_ref()))
}

/// A page of things that are in order of a key, from the one behind the token on; and the token of the next page.
pub(in crate::sns) fn token_page<T>(
    call: &Call,
    things: Vec<T>,
    key: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let after = match call.params.text("NextToken")?.filter(|token| !token.is_empty()) {
        None => String::new(),
        Some(token) => {
            let bytes = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            bytes.ok_or_else(|| invalid("NextToken Reason: invalid token"))?
        }
    };
    let mut left = things.into_iter().filter(|thing| key(thing) > after);
    let page: Vec<T> = left.by_ref().take(PAGE).collect();
    let next = page.last().map(&key).filter(|_| left.next().is_some());
    Ok((page, next.map(|last| URL_SAFE_NO_PAD.encode(last))))
}

fn name_of(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let head = [parts.next()?, parts.next()?, parts.next()?];
    let (_region, _account, name) = (parts.next()?, parts.next()?, parts.next()?);
    // Behind a subscription's ARN there is its id.
    (head == ["arn", "aws", "sns"]).then(|| name.split(':').next().unwrap_or(name))
}

//! Subscriptions: made, changed, listed, ended.

mod attributes;
mod list;
mod record;
mod subscribe;
mod unsubscribe;

pub(super) use attributes::{get_subscription_attributes, set_subscription_attributes};
pub(super) use list::{list_subscriptions, list_subscriptions_by_topic};
pub(super) use record::{Record, SUBSCRIPTION, records};
pub(super) use subscribe::{confirm_subscription, subscribe};
pub(super) use unsubscribe::unsubscribe;

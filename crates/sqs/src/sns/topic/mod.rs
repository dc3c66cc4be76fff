//! Topics: made, changed, listed, deleted; their tags and permissions.

mod attributes;
mod create_topic;
mod delete_topic;
mod find;
mod list_topics;
mod permission;
mod tag;

pub(super) use attributes::{get_topic_attributes, set_topic_attributes};
pub(super) use create_topic::{CREATED, create_topic};
pub(super) use delete_topic::delete_topic;
pub(super) use find::{Right, Topic, authorize, find, invalid, named, token_page, topic_arn, topics};
pub(super) use list_topics::list_topics;
pub(super) use permission::{add_permission, remove_permission};
pub(super) use tag::{list_tags_for_resource, tag_resource, untag_resource};

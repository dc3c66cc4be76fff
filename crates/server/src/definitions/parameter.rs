//! Parameters and policies. Limits of vhosts and operator policies are parameters, too; those of plugins are not for
//! this broker.

use super::entry::Entry;
use super::outcome::{DONE, Done, Wrong};
use super::vhost::vhost_limits;
use leveret_core::catalog::{ApplyTo, Catalog, NewPolicy, PolicyScope};

/// A parameter of a vhost.
pub(super) fn parameter(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    let value = || entry.nested("value")?.ok_or_else(|| entry.wrong("value", "an object"));
    match entry.text("component")? {
        "vhost-limits" => {
            catalog.set_vhost_limits(entry.vhost()?, vhost_limits(&value()?)?)?;
            Ok(DONE)
        }
        "operator_policy" => policy(catalog, entry, PolicyScope::Operator, &value()?),
        other => Ok(Done::Skipped(format!("parameters of '{other}' are not offered by this broker"))),
    }
}

/// A parameter of the broker, whose value is kept as it is.
pub(super) fn global_parameter(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    catalog.put_parameter(entry.text("name")?, &entry.raw("value"))?;
    Ok(DONE)
}

/// A policy of a vhost's users.
pub(super) fn user_policy(catalog: &mut Catalog, entry: &Entry<'_>) -> Result<Done, Wrong> {
    policy(catalog, entry, PolicyScope::User, entry)
}

/// A policy that the entry names, and the value describes.
fn policy(
    catalog: &mut Catalog,
    entry: &Entry<'_>,
    scope: PolicyScope,
    value: &Entry<'_>,
) -> Result<Done, Wrong> {
    let policy = NewPolicy {
        name: entry.text("name")?,
        pattern: value.text("pattern")?,
        apply_to: ApplyTo::from_name(value.optional_text("apply-to")?.unwrap_or("all"))?,
        priority: value.number("priority")?.unwrap_or(0),
        definition: value.table("definition")?,
    };
    Ok(Done::Changed(catalog.put_policy(entry.vhost()?, scope, policy)?))
}

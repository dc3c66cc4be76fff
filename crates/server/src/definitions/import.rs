//! The entries of a definitions file, in the order in which they need each other.

use super::accounts::{permission, topic_permission, user};
use super::entry::Entry;
use super::outcome::{Done, Wrong};
use super::parameter::{global_parameter, parameter, user_policy};
use super::route::{binding, exchange, queue};
use super::vhost::vhost;
use super::{DefinitionsError, Summary};
use leveret_core::broker::{Access, apply_settings};
use leveret_core::catalog::Catalog;
use serde_json::Value;

/// Brings definitions into force. Users, vhosts, policies and limits become as the file has them; queues and exchanges
/// that are there already stay as they are.
///
/// # Errors
/// See [`DefinitionsError`].
pub fn import<A: Access>(access: &mut A, text: &str) -> Result<Summary, DefinitionsError> {
    // Editors of Windows put a mark in front, which RabbitMQ takes off, too.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file: Value = serde_json::from_str(text).map_err(DefinitionsError::Syntax)?;
    let file = Entry::file(&file)?;
    let mut import = Import { access, file: &file, summary: Summary::default() };
    if let Some(described) = file.one_vhost() {
        import.one(&described, vhost)?;
    }
    import.each("vhosts", vhost)?;
    import.each("users", user)?;
    import.each("permissions", permission)?;
    import.each("topic_permissions", topic_permission)?;
    import.each("parameters", parameter)?;
    import.each("global_parameters", global_parameter)?;
    import.each("policies", user_policy)?;
    import.each("exchanges", exchange)?;
    import.each("queues", queue)?;
    import.each("bindings", binding)?;
    Ok(import.summary)
}

struct Import<'a, A> {
    access: &'a mut A,
    file: &'a Entry<'a>,
    summary: Summary,
}

/// Brings one entry into force.
type Put = fn(&mut Catalog, &Entry<'_>) -> Result<Done, Wrong>;

impl<A: Access> Import<'_, A> {
    fn each(&mut self, list: &'static str, put: Put) -> Result<(), DefinitionsError> {
        self.file.entries(list)?.iter().try_for_each(|entry| self.one(entry, put))
    }

    fn one(&mut self, entry: &Entry<'_>, put: Put) -> Result<(), DefinitionsError> {
        let (done, _durable_later) = self.access.change(|catalog| put(catalog, entry));
        let warning = |text: String| format!("{}: {text}", entry.describe());
        match done {
            Ok(Done::Changed(queues)) => {
                apply_settings(self.access, &queues);
                self.summary.entries += 1;
            }
            Ok(Done::InPart(text)) => {
                self.summary.warnings.push(warning(text));
                self.summary.entries += 1;
            }
            Ok(Done::Skipped(text)) => self.summary.warnings.push(warning(text)),
            Err(Wrong::Shape(error)) => return Err(error),
            Err(Wrong::Refused(refusal)) => {
                return Err(DefinitionsError::Refused { entry: entry.describe(), refusal });
            }
        }
        Ok(())
    }
}

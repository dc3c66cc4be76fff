//! The limit of open files: every connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises this process's limit as far as the system lets it, for itself and for the brokers that it starts. Many systems
/// give a shell 1,024, and let it have more for the asking.
pub(super) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    // Where it is refused, the connection that is one too many says so.
    let _ = setrlimit(Resource::Nofile, raised);
}

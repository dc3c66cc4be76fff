//! What the broker's process uses, read from /proc: a broker whose process is not known uses nothing that is seen.

use std::io;
use std::time::Duration;

use crate::observe::{context_switches, cpu_time, memory};

/// A process that is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process(pub(crate) Option<u32>);

/// What it has used up to a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// CPU time, in steps of 10 ms.
    pub(crate) cpu: Duration,
    /// How often a thread waited or was made to wait; threads that are gone do not count.
    pub(crate) context_switches: u64,
    /// Resident memory in bytes.
    pub(crate) resident: u64,
    /// The most that was ever resident.
    pub(crate) peak: u64,
}

impl Process {
    /// Looks at it now; `None` if it is not known.
    ///
    /// # Errors
    /// If there is no such process.
    pub(crate) fn usage(self) -> io::Result<Option<Usage>> {
        let Some(id) = self.0 else { return Ok(None) };
        let memory = memory(id)?;
        Ok(Some(Usage {
            cpu: cpu_time(id)?,
            context_switches: context_switches(id)?,
            resident: memory.resident,
            peak: memory.peak,
        }))
    }
}

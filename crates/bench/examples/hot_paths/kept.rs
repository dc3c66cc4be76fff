//! The counts that are kept in the repository, and what they were counted with.

use crate::callgrind::Counts;
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;
use std::process::Command;

/// The file, read.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Kept {
    /// What [`toolchain`] said when they were counted.
    pub(crate) toolchain: String,
    /// Instructions per operation.
    pub(crate) counts: Counts,
}

impl Kept {
    /// Reads the file. One that is not there holds nothing.
    ///
    /// # Errors
    /// If it cannot be read, or is no such file.
    pub(crate) fn read(file: &Path) -> Result<Kept, Box<dyn Error>> {
        match std::fs::read(file) {
            Ok(bytes) => {
                Kept::parse(&bytes).ok_or_else(|| format!("{} holds no counts", file.display()).into())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Kept::default()),
            Err(error) => Err(format!("{}: {error}", file.display()).into()),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// If that fails.
    pub(crate) fn write(&self, file: &Path) -> Result<(), Box<dyn Error>> {
        // A tenth of an instruction is less than anybody looks at, and keeps changes of the file readable.
        let rounded: serde_json::Map<String, Value> = self
            .counts
            .iter()
            .map(|(name, count)| (name.clone(), json!((count * 10.0).round() / 10.0)))
            .collect();
        let text = json!({ "counted with": self.toolchain, "instructions per operation": rounded });
        std::fs::write(file, format!("{text:#}\n"))
            .map_err(|error| format!("{}: {error}", file.display()).into())
    }

    /// Takes new counts over; those that are not among them go if `all` were counted.
    pub(crate) fn take(&mut self, counted: Counts, toolchain: String, all: bool) {
        if all {
            self.counts.clear();
        }
        self.counts.extend(counted);
        self.toolchain = toolchain;
    }

    fn parse(bytes: &[u8]) -> Option<Kept> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        let toolchain = value.get("counted with")?.as_str()?.to_owned();
        let counts = value.get("instructions per operation")?.as_object()?;
        let count = |(name, count): (&String, &Value)| Some((name.clone(), count.as_f64()?));
        Some(Kept { toolchain, counts: counts.iter().map(count).collect::<Option<Counts>>()? })
    }
}

/// What counts depend on besides the code: the compiler, valgrind, the C library (it copies and allocates), and whether
/// the processor has the wide registers that it copies with.
///
/// # Errors
/// If the compiler or valgrind is not there.
pub(crate) fn toolchain() -> Result<String, Box<dyn Error>> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let wide = if cpu.split_whitespace().any(|flag| flag == "avx2") { "AVX2" } else { "no AVX2" };
    Ok([
        said_by("rustc", &["-V"])?,
        said_by("valgrind", &["--version"])?,
        said_by("getconf", &["GNU_LIBC_VERSION"])?,
        format!("{} with {wide}", std::env::consts::ARCH),
    ]
    .join(", "))
}

fn said_by(program: &str, arguments: &[&str]) -> Result<String, Box<dyn Error>> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program} cannot be started: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let file = std::env::temp_dir().join(format!("leveret-hot-paths-{}.json", std::process::id()));
        assert_eq!(Kept::read(&file).unwrap(), Kept::default());
        let mut kept = Kept::default();
        kept.take(Counts::from([("log".into(), 12.34), ("old".into(), 1.0)]), "rustc 1".into(), true);
        kept.take(Counts::from([("log".into(), 12.36)]), "rustc 2".into(), true);
        kept.write(&file).unwrap();
        let read = Kept::read(&file).unwrap();
        std::fs::write(&file, "{}").unwrap();
        assert!(Kept::read(&file).is_err());
        std::fs::remove_file(&file).unwrap();
        assert_eq!(read, Kept { toolchain: "rustc 2".into(), counts: Counts::from([("log".into(), 12.4)]) });
    }
}

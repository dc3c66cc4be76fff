//! Memory: what the process takes, and what it has to itself, as Linux tells it.

use std::fs::read_to_string;
use std::path::Path;

/// Where the hierarchies of control groups are mounted.
const CGROUPS: &str = "/sys/fs/cgroup";

/// Bytes of memory that the process takes; `None` if the system does not say.
pub(super) fn resident_bytes() -> Option<u64> {
    kilobytes(&read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// Bytes of memory that the machine has, or the process's control group (its container, its service) if it may take
/// less. `None` if the system does not say.
pub(super) fn available_bytes() -> Option<u64> {
    let machine = kilobytes(&read_to_string("/proc/meminfo").ok()?, "MemTotal:")?;
    let groups = read_to_string("/proc/self/cgroup").unwrap_or_default();
    Some(group_limit(Path::new(CGROUPS), &groups).map_or(machine, |limit| limit.min(machine)))
}

/// The least limit of the process's control groups. `groups` is its `/proc/self/cgroup`: a line
/// `hierarchy:controllers:path` for each hierarchy of version 1, and one with neither number nor controllers (`0::path`)
/// for version 2 (man cgroups(7)).
fn group_limit(root: &Path, groups: &str) -> Option<u64> {
    let limits = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        if controllers.is_empty() {
            least_limit(root, path, "memory.max")
        } else if controllers.split(',').any(|controller| controller == "memory") {
            least_limit(&root.join("memory"), path, "memory.limit_in_bytes")
        } else {
            None
        }
    });
    limits.min()
}

/// The least limit of a group and those above it. In a container the path may be the host's, of which only the root is
/// mounted: what is not there limits nothing. Nor does a limit that is no number (`max`).
fn least_limit(hierarchy: &Path, path: &str, file: &str) -> Option<u64> {
    let group = Path::new(path.trim_start_matches('/'));
    let limit = |group: &Path| read_to_string(hierarchy.join(group).join(file)).ok()?.trim().parse().ok();
    group.ancestors().filter_map(limit).min()
}

/// The value of a line such as `VmRSS:   1234 kB`, in bytes.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Hierarchies with these limits, by the paths of their files.
    fn hierarchies(limits: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, limit) in limits {
            let file = root.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, format!("{limit}\n")).unwrap();
        }
        root
    }

    #[test]
    fn lines_of_the_system_are_read() {
        let text = "Name:\tx\nVmRSS:\t    5220 kB\n";
        assert_eq!(kilobytes(text, "VmRSS:"), Some(5220 << 10));
        assert_eq!(kilobytes(text, "VmSwap:"), None);
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
        assert!(available_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }

    #[test]
    fn a_service_has_the_least_limit_above_it() {
        let root = hierarchies(&[
            ("system.slice/memory.max", "3000"),
            ("system.slice/leveret.service/memory.max", "max"),
            ("memory.max", "9000"),
        ]);
        let limit = |groups| group_limit(root.path(), groups);
        assert_eq!(limit("0::/system.slice/leveret.service\n"), Some(3000));
        assert_eq!(limit("0::/\n"), Some(9000));
        assert_eq!(limit("0::/elsewhere\n"), Some(9000));
    }

    #[test]
    fn version_1_has_a_hierarchy_for_memory() {
        let root = hierarchies(&[
            ("memory/memory.limit_in_bytes", "9223372036854771712"),
            ("memory/docker/abc/memory.limit_in_bytes", "4000"),
            ("cpu/docker/abc/memory.limit_in_bytes", "1"),
        ]);
        let limit = |groups| group_limit(root.path(), groups);
        assert_eq!(limit("5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n0::/\n"), Some(4000));
        assert_eq!(limit("4:hugetlb,memory:/docker/abc\n"), Some(4000));
        assert_eq!(limit("4:memory:/not/mounted\n"), Some(9_223_372_036_854_771_712));
        assert_eq!(limit("5:cpu:/docker/abc\n"), None);
        assert_eq!(limit(""), None);
    }
}

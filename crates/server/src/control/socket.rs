//! Where the socket is, and the way to it when its path is too long for an address.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// The socket's name in the data folder.
const NAME: &str = "control.sock";
/// Bytes of the path in a Unix socket's address: 108, of which the last is zero.
const PATH_BYTES: usize = 107;

/// The socket's place in a data folder.
pub(super) fn path(data: &Path) -> PathBuf {
    data.join(NAME)
}

/// Uses the socket of a data folder under a path that is short enough for an address: its own, or else one that
/// begins with the open folder.
///
/// # Errors
/// What `with` answers, and the reason why there is no short path.
pub(super) fn with_path<T>(data: &Path, with: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let own = path(data);
    if own.as_os_str().len() <= PATH_BYTES {
        return with(&own);
    }
    let folder = File::open(data)?;
    let open = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
    if !open.exists() {
        return Err(io::Error::other(format!(
            "the path of the data folder is too long: with {NAME} it may have {PATH_BYTES} bytes where there is no /proc"
        )));
    }
    with(&open.join(NAME))
}

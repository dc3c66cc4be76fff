//! Which broker is measured: one that the program starts on a fresh folder, or one that runs already,
//! of whatever make.

use std::env;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use crate::broker::{Broker, BrokerError, Site};
use crate::options::{Known, OptionError, Options};

/// The options that choose the target, for the program's list.
pub const TARGET_OPTIONS: [Known; 5] = [
    ("broker", "the binary to start (target/release/leveret)"),
    ("broker-args", "more arguments for it, with spaces between"),
    ("dir", "where its fresh folder is made (the system's temporary folder)"),
    ("url", "HOST:PORT of a broker that runs already, to measure in place of one of its own"),
    ("pid", "the process of that broker, to see its memory and CPU"),
];

/// The broker that the command line names.
#[derive(Debug)]
pub struct Target {
    make: Make,
    parent: PathBuf,
}

#[derive(Debug)]
enum Make {
    Own { binary: PathBuf, extra_args: Vec<String> },
    Running { address: SocketAddr, process_id: Option<u32> },
}

impl Target {
    /// A broker of that binary, started on a fresh folder in `parent`, with more arguments, with spaces between.
    pub fn own(binary: PathBuf, extra_args: &str, parent: &Path) -> Self {
        let extra_args = extra_args.split_whitespace().map(str::to_owned).collect();
        Self { make: Make::Own { binary, extra_args }, parent: parent.to_owned() }
    }

    /// Reads [`TARGET_OPTIONS`].
    ///
    /// # Errors
    /// [`OptionError::Malformed`], also for a host that has no address.
    pub fn read(options: &Options) -> Result<Self, OptionError> {
        let parent = options.text("dir").map_or_else(env::temp_dir, PathBuf::from);
        let Some(url) = options.text("url") else {
            let binary = options.text("broker").unwrap_or("target/release/leveret").into();
            return Ok(Self::own(binary, options.text("broker-args").unwrap_or_default(), &parent));
        };
        let address = url.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
        let address = address.ok_or_else(|| OptionError::Malformed { name: "url", value: url.to_owned() })?;
        Ok(Self { make: Make::Running { address, process_id: options.value("pid")? }, parent })
    }

    /// A broker to measure: a fresh one if the program may start its own.
    ///
    /// # Errors
    /// Those of [`Site::new`] and [`Site::start`].
    pub fn fresh(&self) -> Result<Subject, BrokerError> {
        match &self.make {
            Make::Own { binary, extra_args } => {
                let site = Site::new(binary, extra_args.clone(), &self.parent)?;
                Ok(Subject::Own(Box::new(Own { broker: site.start()?, site })))
            }
            Make::Running { address, process_id } => {
                Ok(Subject::Running { address: *address, process_id: *process_id })
            }
        }
    }

    /// A folder on the disk that a fresh broker would write to.
    pub fn parent(&self) -> &Path {
        &self.parent
    }
}

/// A broker under measurement.
pub enum Subject {
    /// One that was started for it.
    Own(Box<Own>),
    /// One that was there.
    Running {
        /// Where it listens.
        address: SocketAddr,
        /// Its process, if it was named.
        process_id: Option<u32>,
    },
}

impl Subject {
    /// Where it listens for AMQP.
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Own(own) => own.broker.address(),
            Self::Running { address, .. } => *address,
        }
    }

    /// Where it listens for SQS: for a broker that was there, the address that was named.
    pub fn sqs_address(&self) -> SocketAddr {
        match self {
            Self::Own(own) => own.broker.sqs_address(),
            Self::Running { address, .. } => *address,
        }
    }

    /// Its process, if that is known.
    pub fn process_id(&self) -> Option<u32> {
        match self {
            Self::Own(own) => Some(own.broker.process_id()),
            Self::Running { process_id, .. } => *process_id,
        }
    }

    /// Where its data is, if that is known.
    pub fn data(&self) -> Option<PathBuf> {
        match self {
            Self::Own(own) => Some(own.site.data()),
            Self::Running { .. } => None,
        }
    }
}

/// A broker of the program's own, with its place. The broker goes first, then what it wrote.
pub struct Own {
    /// The running broker.
    pub broker: Broker,
    site: Site,
}

impl Own {
    /// Kills the broker as `kill -9` does, and starts one anew on what it left.
    ///
    /// # Errors
    /// Those of [`Broker::kill`] and [`Site::start`].
    pub fn restart(self) -> Result<Self, BrokerError> {
        let Self { broker, site } = self;
        broker.kill()?;
        Ok(Self { broker: site.start()?, site })
    }
}

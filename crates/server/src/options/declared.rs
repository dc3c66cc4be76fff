//! Every option, declared once.
//!
//! A new option is an entry of [`OPTIONS`], a field of [`ServeOptions`], and the line of docs/options.md that the
//! test of that page asks for.

use super::value::{MemoryLimit, Takes};
use super::{LogFormat, OptionError, ServeOptions, SqsOptions, TlsFiles};
use leveret_amqp::connection::Mechanism;
use leveret_core::limits;
use std::path::PathBuf;
use std::time::Duration;

/// An option.
pub(super) struct Declared {
    /// Its name: the flag is `--name`, the variable `LEVERET_NAME`, the file's key `name`; the last two with `_` for
    /// `-`.
    pub(super) name: &'static str,
    /// What it takes, with the bounds, and where that goes.
    pub(super) takes: Takes,
    pub(super) default: Default,
    /// What it is for, in a sentence.
    pub(super) help: &'static str,
}

/// What an option is when nobody says anything.
pub(super) enum Default {
    /// This text, read like any other.
    Text(&'static str),
    /// Not given: in words.
    Words(&'static str),
}

/// Shards at most: a mailbox of the broker keeps a bit for each log.
const MAX_SHARDS: u64 = 63;
/// The longest body that a connection can put together; with its properties it fits a segment of the log, too.
const MAX_MESSAGE_BYTES: u64 = limits::ASSEMBLY_BYTES_PER_CONNECTION as u64;

pub(super) const OPTIONS: &[Declared] = &[
    Declared {
        name: "data",
        takes: Takes::Path { set: |draft, path| draft.options.data = path },
        default: Default::Text("./leveret-data"),
        help: "The folder that everything durable is kept in. It is made if it is not there.",
    },
    Declared {
        name: "config",
        // The file is found before anything is read from it: see `sources`.
        takes: Takes::Path { set: |_, _| {} },
        default: Default::Words("none"),
        help: "A TOML file with options. Its keys are the names of the options, with _ for -.",
    },
    Declared {
        name: "definitions",
        takes: Takes::Path { set: |draft, path| draft.options.definitions = Some(path) },
        default: Default::Words("none"),
        help: "A RabbitMQ definitions file (JSON), imported at every start before connections are accepted.",
    },
    Declared {
        name: "shards",
        takes: Takes::Number {
            unit: "shards",
            min: 1,
            max: MAX_SHARDS,
            set: |d, n| d.options.shards = fits(n),
        },
        default: Default::Text("1"),
        help: "Parts that new queues are spread over, each with a log and a lock of its own: of use with many busy queues \
               and several disks or CPUs. A data folder never loses shards.",
    },
    Declared {
        name: "amqp",
        takes: Takes::Addresses { set: |draft, addresses| draft.options.amqp = addresses },
        default: Default::Text("127.0.0.1:5672"),
        help: "Where to listen for AMQP 0-9-1.",
    },
    Declared {
        name: "amqps",
        takes: Takes::Addresses { set: |draft, addresses| draft.options.amqps = addresses },
        default: Default::Text("off"),
        help: "Where to listen for AMQP 0-9-1 over TLS; 5671 is the usual port.",
    },
    Declared {
        name: "sqs",
        takes: Takes::Addresses { set: |draft, addresses| draft.options.sqs.addresses = addresses },
        default: Default::Text("127.0.0.1:9324"),
        help: "Where to listen for SQS and SNS over HTTP.",
    },
    Declared {
        name: "sqs-tls",
        takes: Takes::Addresses { set: |draft, addresses| draft.options.sqs.tls_addresses = addresses },
        default: Default::Text("off"),
        help: "Where to listen for SQS and SNS over HTTPS.",
    },
    Declared {
        name: "sqs-url",
        takes: Takes::Text {
            what: "a URL that begins with http:// or https://, or empty",
            fits: |url| url.is_empty() || url.starts_with("http://") || url.starts_with("https://"),
            set: |draft, url| draft.options.sqs.url = (!url.is_empty()).then(|| url.into()),
        },
        default: Default::Words("the host that the client asked"),
        help: "What the URLs of queues begin with, where clients reach the broker by another name than it can see.",
    },
    Declared {
        name: "sqs-region",
        takes: Takes::Text {
            what: "a region such as us-east-1",
            fits: |region| !region.is_empty() && region.len() <= 64 && region.bytes().all(is_name_byte),
            set: |draft, region| draft.options.sqs.region = region.into(),
        },
        default: Default::Text("us-east-1"),
        help: "The region in ARNs, for requests whose signature names none.",
    },
    Declared {
        name: "sqs-account",
        takes: Takes::Text {
            what: "twelve digits",
            fits: |account| account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit()),
            set: |draft, account| draft.options.sqs.account = account.into(),
        },
        default: Default::Text("000000000000"),
        help: "The account in ARNs and in the URLs of queues.",
    },
    Declared {
        name: "sqs-vhost",
        takes: Takes::Text {
            what: "the name of a vhost",
            fits: |vhost| !vhost.is_empty(),
            set: |draft, vhost| draft.options.sqs.vhost = vhost.into(),
        },
        default: Default::Text("/"),
        help: "The vhost whose queues SQS and SNS see.",
    },
    Declared {
        name: "sqs-cooldowns",
        takes: Takes::Switch { set: |draft, on| draft.options.sqs.cooldowns = on },
        default: Default::Text("false"),
        help: "Refuse a second purge of a queue, or a new queue of a deleted one's name, within 60 seconds, as SQS does.",
    },
    Declared {
        name: "sqs-max-visibility",
        takes: Takes::Number {
            unit: "seconds",
            min: 1,
            max: 31_536_000,
            set: |draft, seconds| draft.options.sqs.max_visibility = Duration::from_secs(seconds),
        },
        default: Default::Text("43200"),
        help: "How long a received message may be held in all, by whatever ChangeMessageVisibility asks.",
    },
    Declared {
        name: "tls-cert",
        takes: Takes::Path { set: |draft, path| draft.tls_cert = Some(path) },
        default: Default::Words("none"),
        help: "The broker's certificate, followed by those between it and its root (PEM). Read again on SIGHUP.",
    },
    Declared {
        name: "tls-key",
        takes: Takes::Path { set: |draft, path| draft.tls_key = Some(path) },
        default: Default::Words("none"),
        help: "The private key of the certificate (PEM). Read again on SIGHUP.",
    },
    Declared {
        name: "tls-ca",
        takes: Takes::Path { set: |draft, path| draft.tls_ca = Some(path) },
        default: Default::Words("none"),
        help: "The roots of clients' certificates (PEM). With them, clients may log in with a certificate.",
    },
    Declared {
        name: "tls-verify-peer",
        takes: Takes::Switch { set: |draft, on| draft.tls_verify_peer = on },
        default: Default::Text("false"),
        help: "Refuse clients that show no certificate of --tls-ca.",
    },
    Declared {
        name: "guest-anywhere",
        takes: Takes::Switch { set: |draft, on| draft.options.guest_anywhere = on },
        default: Default::Text("false"),
        help: "Let the user guest log in from other machines. For tests only, unless its password was changed.",
    },
    Declared {
        name: "auth-mechanisms",
        takes: Takes::Words {
            of: &MECHANISMS,
            set: |draft, chosen| {
                draft.options.auth_mechanisms = chosen.iter().map(|at| Mechanism::ALL[*at]).collect();
            },
        },
        default: Default::Text("EXTERNAL,PLAIN,AMQPLAIN,ANONYMOUS"),
        help: "How clients may log in, in the order of preference that they are told. EXTERNAL is for those with a certificate.",
    },
    Declared {
        name: "proxy-protocol",
        takes: Takes::Switch { set: |draft, on| draft.options.proxy_protocol = on },
        default: Default::Text("false"),
        help: "Every AMQP connection begins with a header of the PROXY protocol, version 1 or 2, and comes from the \
               address that it names. Only where nobody but the proxy can connect.",
    },
    Declared {
        name: "max-connections",
        takes: Takes::Number {
            unit: "connections",
            min: 1,
            max: 1_000_000,
            set: |draft, number| draft.options.max_connections = fits(number),
        },
        default: Default::Text("65536"),
        help: "Connections at once; one more is closed as soon as it is accepted.",
    },
    Declared {
        name: "max-message-bytes",
        takes: Takes::Bytes {
            min: 1 << 10,
            max: MAX_MESSAGE_BYTES,
            set: |draft, bytes| draft.options.max_message_bytes = fits(bytes),
        },
        default: Default::Text("16MiB"),
        help: "The body of one message, at most. A longer one is refused with 406 PRECONDITION_FAILED.",
    },
    Declared {
        name: "heartbeat",
        takes: Takes::Number {
            unit: "seconds",
            min: 0,
            max: u16::MAX as u64,
            set: |draft, seconds| draft.options.heartbeat_seconds = fits(seconds),
        },
        default: Default::Text("60"),
        help: "The interval of heartbeats that is offered to clients; 0 offers none.",
    },
    Declared {
        name: "channel-max",
        takes: Takes::Number {
            unit: "channels",
            min: 1,
            max: u16::MAX as u64,
            set: |draft, number| draft.options.channel_max = fits(number),
        },
        default: Default::Text("2047"),
        help: "Channels of one connection, at most.",
    },
    Declared {
        name: "frame-max",
        takes: Takes::Bytes {
            min: 8 << 10,
            max: 16 << 20,
            set: |draft, bytes| draft.options.frame_max = fits(bytes),
        },
        default: Default::Text("128KiB"),
        help: "The frame size that is offered to clients. Message properties and tables must fit one frame.",
    },
    Declared {
        name: "handshake-timeout",
        takes: Takes::Number {
            unit: "seconds",
            min: 1,
            max: 600,
            set: |draft, seconds| draft.options.handshake_timeout = Duration::from_secs(seconds),
        },
        default: Default::Text("10"),
        help: "How long a client may take from its first byte to the open connection.",
    },
    Declared {
        name: "disk-free-limit",
        takes: Takes::Bytes {
            min: 0,
            max: 1 << 50,
            set: |draft, bytes| draft.options.disk_free_limit = bytes,
        },
        default: Default::Text("50MB"),
        help: "Publishers are blocked while less than this is free on the disk, beside what the logs may need next.",
    },
    Declared {
        name: "memory-limit",
        takes: Takes::Memory { set: |draft, limit| draft.options.memory_limit = limit },
        default: Default::Text("60%"),
        help: "Publishers are blocked while the process takes more memory than this.",
    },
    Declared {
        name: "recent-bytes",
        takes: Takes::Bytes {
            min: 1 << 20,
            max: 16 << 30,
            set: |draft, bytes| draft.options.recent_bytes = fits(bytes),
        },
        default: Default::Text("16MiB"),
        help: "What each shard keeps in memory of its log's recent end, so that consumers need not read the disk.",
    },
    Declared {
        name: "trace",
        takes: Takes::Text {
            what: "names of vhosts, separated by commas",
            fits: |vhosts| vhosts.split(',').all(|vhost| !vhost.trim().is_empty()),
            set: |d, vhosts| d.options.trace = vhosts.split(',').map(|vhost| vhost.trim().into()).collect(),
        },
        default: Default::Words("none"),
        help: "The vhosts whose messages, as they come and go, are copied to amq.rabbitmq.trace (RabbitMQ's firehose).",
    },
    Declared {
        name: "event-exchange",
        takes: Takes::Switch { set: |draft, on| draft.options.event_exchange = on },
        default: Default::Text("false"),
        help: "Publish what happens to queues, connections, users and the rest to amq.rabbitmq.event in the vhost /.",
    },
    Declared {
        name: "log-level",
        takes: Takes::Word {
            of: &["error", "warn", "info", "debug"],
            set: |d, at| d.options.log_level = LEVELS[at],
        },
        default: Default::Text("info"),
        help: "The least severe events that are logged.",
    },
    Declared {
        name: "log-format",
        takes: Takes::Word { of: &["text", "json"], set: |draft, at| draft.options.log_format = FORMATS[at] },
        default: Default::Text("text"),
        help: "How events are written to the standard error: a line for people, or a JSON object in a line.",
    },
];

const LEVELS: [tracing::Level; 4] =
    [tracing::Level::ERROR, tracing::Level::WARN, tracing::Level::INFO, tracing::Level::DEBUG];
const FORMATS: [LogFormat; 2] = [LogFormat::Text, LogFormat::Json];
/// The names of [`Mechanism::ALL`].
const MECHANISMS: [&str; Mechanism::ALL.len()] = {
    let [external, plain, amqplain, anonymous, cr_demo] = Mechanism::ALL;
    [external.name(), plain.name(), amqplain.name(), anonymous.name(), cr_demo.name()]
};

/// Options as they are being read: each is right, but not yet all of them together.
pub(super) struct Draft {
    options: ServeOptions,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    tls_ca: Option<PathBuf>,
    tls_verify_peer: bool,
}

impl Draft {
    /// The data folder, as far as it was read.
    pub(super) fn into_data(self) -> PathBuf {
        self.options.data
    }

    /// Nothing is set: everything waits for its default.
    pub(super) fn new() -> Draft {
        let options = ServeOptions {
            data: PathBuf::new(),
            definitions: None,
            shards: 0,
            amqp: Vec::new(),
            amqps: Vec::new(),
            sqs: SqsOptions::default(),
            tls: None,
            max_connections: 0,
            max_message_bytes: 0,
            heartbeat_seconds: 0,
            channel_max: 0,
            frame_max: 0,
            handshake_timeout: Duration::ZERO,
            guest_anywhere: false,
            auth_mechanisms: Vec::new(),
            proxy_protocol: false,
            disk_free_limit: 0,
            memory_limit: MemoryLimit::Bytes(0),
            recent_bytes: 0,
            trace: Vec::new(),
            event_exchange: false,
            log_level: tracing::Level::INFO,
            log_format: LogFormat::Text,
        };
        Draft { options, tls_cert: None, tls_key: None, tls_ca: None, tls_verify_peer: false }
    }

    /// Puts together what belongs together.
    pub(super) fn finish(mut self) -> Result<ServeOptions, OptionError> {
        if self.tls_verify_peer && self.tls_ca.is_none() {
            return Err(OptionError::Needs { option: "tls-verify-peer", missing: "tls-ca" });
        }
        let options = &mut self.options;
        let secured = [("amqps", &options.amqps), ("sqs-tls", &options.sqs.tls_addresses)];
        if let Some((option, _)) = secured.into_iter().find(|(_, addresses)| !addresses.is_empty()) {
            let needs = |missing| OptionError::Needs { option, missing };
            options.tls = Some(TlsFiles {
                certificate: self.tls_cert.ok_or(needs("tls-cert"))?,
                key: self.tls_key.ok_or(needs("tls-key"))?,
                client_ca: self.tls_ca,
                require_client_certificate: self.tls_verify_peer,
            });
        }
        let everywhere = [&options.amqp, &options.amqps, &options.sqs.addresses, &options.sqs.tls_addresses];
        if everywhere.iter().all(|addresses| addresses.is_empty()) {
            return Err(OptionError::NowhereToListen);
        }
        Ok(self.options)
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// A number as its field has it.
fn fits<T: TryFrom<u64>>(number: u64) -> T {
    T::try_from(number).ok().expect("the bounds of an option fit the type of its field")
}

"""How each broker is started on a fresh folder, and ended with all that belongs to it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

# A broker that does not listen so long after its start is given up.
START_SECONDS = 60


class Broker:
    """A running broker. It is killed, and its folder removed, when its `with` ends."""

    # What is added to every row for this broker, unless `flags` tells rows apart.
    row_flags: dict[str, str] = {}
    # A slower broker gets a shorter backlog, else filling it takes minutes. Rates do not depend on it.
    backlog_share = 1.0

    def __init__(self, parent: Path):
        self.folder = Path(tempfile.mkdtemp(prefix="leveret-compare-", dir=parent))
        self.port = free_port()
        self.process = None

    def __enter__(self):
        try:
            with open(self.folder / "output", "wb") as output:
                self.process = subprocess.Popen(
                    self.command(),
                    env=os.environ | self.environment(),
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            self.wait_until_it_listens()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process is not None:
            # Its session is its own, so this ends its children, too, and nothing else.
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.process.wait()
        self.end_companions()
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {}

    def end_companions(self):
        """Ends what it started outside of its session."""

    def wait_until_it_listens(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        text = (self.folder / "output").read_text(errors="replace")
        raise RuntimeError(f"{type(self).__name__} does not listen:\n{text[-2000:]}")

    @classmethod
    def flags(cls, parameters: dict) -> dict[str, str]:
        """What is added to a row of these parameters for this broker."""
        return cls.row_flags

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    @property
    def pid(self) -> int:
        return self.process.pid


class Leveret(Broker):
    binary = "leveret"

    def command(self):
        data, address = self.folder / "data", f"127.0.0.1:{self.port}"
        return [self.binary, "serve", "--data", str(data), "--amqp", address, "--sqs", f"127.0.0.1:{free_port()}"]

    @classmethod
    def version(cls):
        return first_line([cls.binary, "--version"])


class RabbitMq(Broker):
    # Not Debian's wrapper in /usr/sbin, which insists on the system's own folders and user.
    binary = "/usr/lib/rabbitmq/bin/rabbitmq-server"
    backlog_share = 0.2

    def __init__(self, parent):
        super().__init__(parent)
        # A port mapper of its own: one that was there would stay, and one that it starts would outlive it.
        self.mapper_port = free_port()

    def command(self):
        return [self.binary]

    def environment(self):
        (self.folder / "plugins").write_text("[].\n")
        return {
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self.mapper_port),
            "RABBITMQ_NODENAME": f"compare-{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
        }

    def end_companions(self):
        """The port mapper makes itself a daemon. It is known by its environment, which it has from here."""
        mark = f"HOME={self.folder}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    os.kill(int(process.name), signal.SIGKILL)
            except OSError:
                continue

    @property
    def pid(self):
        """Erlang's machine, which the start script has become or has started."""
        for process in Path("/proc").glob("[0-9]*"):
            try:
                stat = (process / "stat").read_text()
            except OSError:
                continue
            name, rest = re.match(r"\d+ \((.*)\) (.*)", stat, re.DOTALL).groups()
            session = int(rest.split()[3])
            if name == "beam.smp" and session == self.process.pid:
                return int(process.name)
        raise RuntimeError("RabbitMQ has no beam.smp")

    @classmethod
    def version(cls):
        line = first_line(["dpkg-query", "-W", "-f", "RabbitMQ ${Version}\\n", "rabbitmq-server"])
        return line or "RabbitMQ"


class RabbitMqClassic(RabbitMq):
    row_flags = {"queue-type": "classic"}


class RabbitMqQuorum(RabbitMq):
    row_flags = {"queue-type": "quorum"}


class Beanstalkd(Broker):
    binary = "beanstalkd"
    # It syncs for every put.
    backlog_share = 0.05

    def command(self):
        binlog = self.folder / "binlog"
        binlog.mkdir()
        # -f0 syncs the binlog before every answer, -z takes jobs of up to 1 MiB.
        address = ["-l", "127.0.0.1", "-p", str(self.port)]
        return [self.binary, *address, "-b", str(binlog), "-f0", "-z", str(1 << 20)]

    @property
    def url(self):
        return f"beanstalk://127.0.0.1:{self.port}"

    @classmethod
    def version(cls):
        return first_line([cls.binary, "-v"]) or "beanstalkd"


class Nats(Broker):
    binary = "nats-server"
    # It syncs for every message.
    backlog_share = 0.05

    def command(self):
        # The longest message may have 8 MiB, the most that NATS advises; a message is synced before it is confirmed.
        config = self.folder / "nats.conf"
        config.write_text(
            f'listen: "127.0.0.1:{self.port}"\n'
            f"max_payload: {8 << 20}\n"
            f'jetstream {{ store_dir: "{self.folder.resolve()}/jetstream", sync_interval: always }}\n'
        )
        return [self.binary, "--config", str(config)]

    @classmethod
    def flags(cls, parameters):
        # It stores the publishes that it has read, syncing for each, before it delivers again: with the prefetch of the
        # rows a consumer waits for the next thousand meanwhile, and gets a fifth of what it gets with this one. A drain
        # has no publishes, and such a prefetch would be most of its backlog, delivered but not settled at its end.
        return {} if "backlog" in parameters else {"prefetch": "20000"}

    @property
    def url(self):
        return f"nats://127.0.0.1:{self.port}"

    @classmethod
    def version(cls):
        return first_line([cls.binary, "--version"]) or "nats-server"


BROKERS = {
    "leveret": Leveret,
    "rabbitmq-classic": RabbitMqClassic,
    "rabbitmq-quorum": RabbitMqQuorum,
    "beanstalkd": Beanstalkd,
    "nats": Nats,
}


def is_installed(kind: type[Broker]) -> bool:
    return shutil.which(kind.binary) is not None


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def first_line(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return ""

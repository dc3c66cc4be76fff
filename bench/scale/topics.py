"""What is shown of each topic: the columns of its table, and the panels of its plot."""

import re
from dataclasses import dataclass, field

UNITS = {None: 1, "KiB": 1 << 10, "MiB": 1 << 20}


@dataclass
class Panel:
    """A part of a plot: its title, and lines or bars by name, each a function of a row that gives a number or None."""

    title: str
    series: dict
    logarithmic: bool = False


@dataclass
class Topic:
    """One scenario. `axis` says what its rows' names are; `bars` that they are words, not numbers."""

    axis: str
    panels: list[Panel]
    bars: bool = False
    columns: dict = field(default_factory=dict)


def published(row):
    return row["published_per_second"] if row["published"] else None


def consumed(row):
    return row["consumed_per_second"] if row["consumed"] else None


def megabytes(row):
    """The body bytes that came in, or out of a queue that is drained, in MB/s."""
    number, unit = re.fullmatch(r"(\d+)([KM]iB)?", row["parameters"]["size"]).groups()
    size = int(number) * UNITS[unit]
    return size * (published(row) or consumed(row) or 0) / 1e6


def memory(moment):
    def mebibytes(row):
        return row["process"][f"resident_{moment}_bytes"] / (1 << 20)

    return mebibytes


def memory_of_each(parameter):
    """What each of the things that the parameter counts adds to the memory, in KiB."""

    def kibibytes(row):
        count = int(row["parameters"][parameter])
        added = row["process"]["resident_ready_bytes"] - row["process"]["resident_before_bytes"]
        return added / count / 1024 if count >= 100 else None

    return kibibytes


def cpu(row):
    return row["process"]["cpu_us_per_message"]




RATES = {"published": published, "consumed": consumed}
RATE_COLUMNS = {"published/s": (published, ",.0f"), "consumed/s": (consumed, ",.0f"), "CPU, µs/message": (cpu, ".2f")}
MEMORY_COLUMNS = {"resident when all is ready, MiB": (memory("ready"), ".1f"), "at the most, MiB": (memory("peak"), ".1f")}
RATE_PANEL = Panel("messages/s", RATES)
MEMORY_PANEL = Panel("resident memory, MiB", {"when all is ready": memory("ready"), "at the most": memory("peak")})


def by_number(axis, columns=None):
    columns = RATE_COLUMNS | (columns or {}) | MEMORY_COLUMNS
    return Topic(axis, [RATE_PANEL, MEMORY_PANEL], columns=columns)


def by_words(axis):
    return Topic(axis, [RATE_PANEL, MEMORY_PANEL], bars=True, columns=RATE_COLUMNS | MEMORY_COLUMNS)


SIZES = Topic(
    "size of a message",
    [Panel("messages/s", RATES, logarithmic=True), Panel("bodies, MB/s", {"published": megabytes}, logarithmic=True)],
    columns=RATE_COLUMNS | {"bodies, MB/s": (megabytes, ",.0f"), "at the most, MiB": (memory("peak"), ".1f")},
)

TOPICS = {
    "queues": by_number("queues", {"each queue, KiB": (memory_of_each("queues"), ".1f")}),
    "connections": by_number("idle connections", {"each, KiB": (memory_of_each("idle-connections"), ".1f")}),
    "sizes": SIZES,
    "depth": by_words("messages that wait"),
    "consumers": by_number("consumers of one queue"),
    "groups": by_number("message groups"),
    "unacked": by_words("beside the publisher"),
    "drain": by_words("backlog of 2 million, 1 KiB each"),
}


def table(topic, rows):
    """The rows in Markdown."""
    lines = [f"| {topic.axis} | " + " | ".join(topic.columns) + " |", "|---" * (len(topic.columns) + 1) + "|"]
    for row in rows:
        cells = [cell(*column, row) for column in topic.columns.values()]
        lines.append(f"| {row['name']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cell(value, form, row):
    number = value(row)
    return "" if number is None else format(number, form)

"""Medians, spreads and ratios of what was seen, as text and for JSON."""

import statistics

# LavinMQ 2.9.1 as a multiple of RabbitMQ 4.3.6 (classic queues; quorum queues for confirms one at a time), seen on a
# machine of the same kind with another load generator: for orientation, since LavinMQ is not in Debian.
LAVINMQ = {
    "100 B durable, confirms 2000, ack per 100": 525 / 55,
    "1 KiB durable, confirms 2000, ack per 100": 180 / 46,
    "100 B durable, no confirms, ack each": 930 / 63,
    "100 B transient, no confirms, no ack": 1130 / 130,
    "256 B, 4 queues with a pair each, confirms 500": 400 / 47,
    "1 KiB durable, drain a backlog": 670 / 82,
    "256 B durable, confirms one at a time": 0.49 / 0.24,
}

# A machine that is busier than this before a row, with the fresh broker on it, is pointed out.
BUSY = 0.05


class Row:
    """A kind of work, and what each broker did with it in each round."""

    def __init__(self, name, parameters):
        self.name = name
        self.parameters = parameters
        self.seen = {}

    def add(self, broker, seen):
        self.seen.setdefault(broker, []).append(seen)

    @property
    def is_latency(self):
        """Whether it asks how long one takes, and not how many go."""
        return self.parameters.get("confirm-window") == 1

    def values(self, broker):
        """The figures of a broker, of the rounds that were right."""
        return [self.value(seen) for seen in self.seen.get(broker, []) if is_right(seen)]

    def value(self, seen):
        if self.is_latency:
            return seen["latency_us"]["publish_to_confirm"]["p50"]
        return seen["consumed_per_second"] if seen["consumed"] else seen["published_per_second"]

    def ratio(self, broker, base):
        """How many times better than the base: the median of the rounds' ratios, since both saw the same minutes."""
        pairs = zip(self.seen.get(broker, []), self.seen.get(base, []))
        pairs = [(self.value(one), self.value(other)) for one, other in pairs if is_right(one) and is_right(other)]
        ratios = [other / one if self.is_latency else one / other for one, other in pairs if one and other]
        return statistics.median(ratios) if ratios else None

    def problems(self, broker):
        for seen in self.seen.get(broker, []):
            if "error" in seen:
                yield seen["error"]
            elif not is_right(seen):
                yield f"did not keep its promises: {seen['messages']}"


def is_right(seen):
    return "error" not in seen and seen["messages"]["right"]


def summary(row):
    """A row for JSON: everything that was seen."""
    brokers = {}
    for broker, rounds in row.seen.items():
        values = row.values(broker)
        brokers[broker] = {
            "median": statistics.median(values) if values else None,
            "lowest": min(values, default=None),
            "highest": max(values, default=None),
            "rounds": rounds,
        }
    unit = "us, p50 of publish to confirm" if row.is_latency else "messages/s"
    return {"name": row.name, "parameters": row.parameters, "unit": unit, "brokers": brokers}


def print_table(about, rows, brokers, base):
    print(about["machine"])
    for name, version in about["versions"].items():
        print(f"{name}: {version}")
    print(f"{about['rounds']} rounds; medians, (lowest to highest), CPU of the broker per message, times {base}")
    for row in rows:
        print(f"\n{row.name}")
        for broker in brokers:
            print(f"  {broker:<18} {line(row, broker, base)}")
            for problem in sorted(set(row.problems(broker))):
                print(f"    {problem}")
        if row.name in LAVINMQ:
            print(f"  {'(LavinMQ, earlier)':<18} {LAVINMQ[row.name]:.1f} times RabbitMQ")


def line(row, broker, base):
    values = row.values(broker)
    if not values:
        return "-"
    show = (lambda us: f"{us / 1e3:.3f} ms") if row.is_latency else (lambda rate: f"{rate:,.0f}/s")
    text = f"{show(statistics.median(values)):>14}  ({show(min(values))} to {show(max(values))})"
    rounds = [seen for seen in row.seen[broker] if is_right(seen)]
    if all(seen["process"] for seen in rounds):
        cpu = statistics.median(seen["process"]["cpu_us_per_message"] for seen in rounds)
        text += f", {cpu:.2f} µs"
    busiest = max(seen["busy_before"] for seen in rounds)
    text += f", {busiest:.0%} busy before" if busiest >= BUSY else ""
    if bare := [seen["latency_us"]["bare_fdatasync"]["p50"] for seen in rounds if seen["latency_us"]["bare_fdatasync"]]:
        text += f", a bare fdatasync {show(statistics.median(bare))}"
    ratio = row.ratio(broker, base)
    return text + (f", {ratio:.1f} times" if ratio and broker != base else "")

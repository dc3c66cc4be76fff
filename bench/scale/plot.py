"""Plots as plain SVG, which bring their own background and are readable in light and dark."""

import math
from html import escape

WIDTH, PANEL_GAP = 860, 40
LEFT, RIGHT, TOP = 62, 14, 46
PLOT_HEIGHT, BAR, BAR_GAP = 200, 13, 12
COLOURS = ["one", "two"]
STYLE = """
  .ground { fill: #ffffff } text { fill: #1f2328; font: 12px system-ui, sans-serif } .title { font-weight: 600 }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .one { stroke: #0969da; fill: #0969da } .two { stroke: #bc4c00; fill: #bc4c00 }
  polyline { fill: none !important; stroke-width: 2 } polyline.one { stroke-width: 5 } .bar { stroke: none }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #3d444d }
    .one { stroke: #58a6ff; fill: #58a6ff } .two { stroke: #f0883e; fill: #f0883e }
  }
"""


def draw(topic, rows):
    """The plot of a topic: its panels side by side, as lines, or one below the other, as bars."""
    return bars(topic, rows) if topic.bars else lines(topic, rows)


def document(height, parts):
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
    ground = f'<rect class="ground" width="{WIDTH}" height="{height}"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", ground, *parts, "</svg>"]) + "\n"


def lines(topic, rows):
    parts = []
    width = (WIDTH - PANEL_GAP) / len(topic.panels)
    for number, panel in enumerate(topic.panels):
        left = number * (width + PANEL_GAP / 2) + LEFT
        parts += line_panel(panel, rows, left, width - LEFT - RIGHT)
        parts.append(text(left + (width - LEFT - RIGHT) / 2, TOP + PLOT_HEIGHT + 38, topic.axis, anchor="middle"))
    return document(TOP + PLOT_HEIGHT + 54, parts)


def line_panel(panel, rows, left, width):
    """Rows are places at equal distances: their names go up by powers of ten, so the axis is logarithmic by itself."""
    values = [value(row) for value in panel.series.values() for row in rows]
    ticks = marks([value for value in values if value], panel.logarithmic)
    scale = math.log10 if panel.logarithmic else float
    low, high = scale(ticks[0]), scale(ticks[-1])

    def y(value):
        return TOP + PLOT_HEIGHT * (1 - (scale(value) - low) / (high - low))

    step = width / max(len(rows) - 1, 1)
    parts = [text(left, 18, panel.title, style="title"), *legend(panel, left, 34)]
    for tick in ticks:
        parts.append(f'<path class="grid" d="M{left:.1f} {y(tick):.1f}h{width:.1f}"/>')
        parts.append(text(left - 6, y(tick) + 4, short(tick), anchor="end"))
    for place, row in enumerate(rows):
        parts.append(text(left + place * step, TOP + PLOT_HEIGHT + 18, row["name"], anchor="middle"))
    for colour, value in zip(COLOURS, panel.series.values()):
        points = [(left + place * step, y(value(row))) for place, row in enumerate(rows) if value(row)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline class="{colour}" points="{path}"/>')
        parts += [f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points]
    return parts


def bars(topic, rows):
    parts, top, left = [], 0, 250
    width = WIDTH - left - 80
    for panel in topic.panels:
        parts += [text(left, top + 18, panel.title, style="title"), *legend(panel, left, top + 34)]
        most = max(value(row) or 0 for value in panel.series.values() for row in rows)
        top += TOP
        for row in rows:
            parts.append(text(left - 8, top + BAR + 4, row["name"], anchor="end"))
            for place, (colour, value) in enumerate(zip(COLOURS, panel.series.values())):
                if number := value(row):
                    at, length = top + place * BAR, number / most * width
                    size = f'width="{length:.1f}" height="{BAR - 2}"'
                    parts.append(f'<rect class="{colour} bar" x="{left}" y="{at}" {size}/>')
                    parts.append(text(left + length + 5, at + 10, short(number)))
            top += len(panel.series) * BAR + BAR_GAP
        top += 8
    return document(top, parts)


def legend(panel, left, at):
    if len(panel.series) < 2:
        return
    for colour, name in zip(COLOURS, panel.series):
        yield f'<rect class="{colour} bar" x="{left}" y="{at - 8}" width="10" height="8"/>'
        yield text(left + 14, at, name)
        left += 40 + 7 * len(name)


def marks(values, logarithmic):
    """Where grid lines go: powers of ten, or about five round steps from 0."""
    if logarithmic:
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return [10.0**power for power in range(low, max(high, low + 1) + 1)]
    rough = max(values) / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    return [step * number for number in range(math.ceil(max(values) / step) + 1)]


def text(x, y, words, anchor="start", style=""):
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def short(number):
    for unit, factor in (("M", 1e6), ("k", 1e3)):
        if number >= factor:
            return f"{number / factor:.3g}{unit}"
    return f"{number:.3g}"

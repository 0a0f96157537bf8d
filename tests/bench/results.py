# SPDX-License-Identifier: GPL-2.0-or-later
"""The figures of a run: one row of a CSV for each, written as it comes; medians, ratios within a round, tables."""

import csv
import statistics

COLUMNS = ("workload", "way", "metric", "unit", "round", "value")


class Results:
    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8", newline="")
        self.writer = csv.writer(self.file, lineterminator="\n")
        self.writer.writerow(COLUMNS)
        self.values = {}

    def add(self, workload, way, metric, unit, number, value):
        """One value for each round."""
        self.values.setdefault((workload, way, metric), {})[number] = value
        self.writer.writerow((workload, way, metric, unit, number, f"{value:.6g}"))
        self.file.flush()

    def close(self):
        self.file.close()

    def of(self, workload, way, metric):
        return list(self.values.get((workload, way, metric), {}).values())

    def ratios(self, workload, way, base, metric="target"):
        """Of values of the same round."""
        above, below = (self.values.get((workload, w, metric), {}) for w in (way, base))
        return [above[number] / below[number] for number in above if below.get(number)]

    def differences(self, of, less, metric):
        """Of (workload, way), in the same round."""
        above, below = (self.values.get((*place, metric), {}) for place in (of, less))
        return [above[number] - below[number] for number in above if number in below]


def middle_half(values):
    if len(values) < 3:
        return min(values), max(values)
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def form(value, digits=0):
    """Four digits are enough; what is small keeps its decimals."""
    if digits:
        return f"{value:.{digits}f}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def cell(values, digits=0, spread=True, scale=1.0):
    """Median (middle half)"""
    if not values:
        return "-"
    values = [value * scale for value in values]
    text = form(statistics.median(values), digits)
    if spread and min(values) < max(values):
        low, high = middle_half(values)
        text += f" ({form(low, digits)}..{form(high, digits)})"
    return text


def show(title, columns, rows):
    """A table that is Markdown, too. Columns of which no row has a value are left out."""
    kept = [i for i in range(len(columns)) if not rows or any(row[i] != "-" for row in rows)]
    table = [[row[i] for i in kept] for row in ([columns] + rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(kept))]
    lines = ["| " + " | ".join(text.ljust(width) for text, width in zip(row, widths)) + " |" for row in table]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print(f"\n{title}\n\n" + "\n".join(lines), flush=True)

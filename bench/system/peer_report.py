# SPDX-License-Identifier: MIT
"""What came of a comparison: medians, ratios, a table, a CSV file and a plot."""

import csv
import statistics
from html import escape

# (key, heading, how it is written)
MEASURES = (
    ("requests_per_second", "requests/s", "{:,.0f}"),
    ("p50_ms", "p50 ms", "{:.2f}"),
    ("p99_ms", "p99 ms", "{:.2f}"),
    ("p999_ms", "p99.9 ms", "{:.2f}"),
    ("cpu_us", "CPU µs/req", "{:.1f}"),
    ("memory_mib", "PSS MiB", "{:.1f}"),
    ("connections", "connections", "{:,.0f}"),
    ("connection_kib", "KiB/conn.", "{:.2f}"),
    ("asked_kib", "KiB asked", "{:.2f}"),
    ("alone_p99_ms", "p99 alone", "{:.2f}"),
    ("start_ms", "start ms", "{:.0f}"),
    ("import_ms", "import ms", "{:.0f}"),
    ("errors", "errors", "{:,.0f}"),
)
KEYS = ("round", "subject", "peer", *(key for key, _, _ in MEASURES))


def medians(rows):
    """{subject: {peer: {measure: the rounds' median}}}, errors added up, in the order of the rows."""
    collected = {}
    for row in rows:
        found = collected.setdefault(row["subject"], {}).setdefault(row["peer"], {})
        for key, _, _ in MEASURES:
            if row.get(key) is not None:
                found.setdefault(key, []).append(row[key])
    return {
        subject: {
            peer: {
                key: sum(values) if key == "errors" else statistics.median(values)
                for key, values in found.items()
            }
            for peer, found in peers.items()
        }
        for subject, peers in collected.items()
    }


def decisive(rows, subject):
    """The measure that a subject is about."""
    measured = {key for row in rows if row["subject"] == subject for key in row}
    for key in ("connection_kib", "start_ms", "alone_p99_ms"):
        if key in measured:
            return "p99_ms" if key == "alone_p99_ms" else key
    return "p99_ms" if subject == "mixed" else "requests_per_second"


def ratios(rows, subject, chosen):
    """{peer: how many times the chosen peer's}, round by round, and of these the median."""
    key = decisive(rows, subject)
    values = {}
    for row in rows:
        if row["subject"] == subject and row.get(key) is not None:
            values.setdefault(row["peer"], {})[row["round"]] = row[key]
    base = values.get(chosen, {})
    found = {}
    for peer, of in values.items():
        each = [value / base[number] for number, value in of.items() if base.get(number)]
        if each:
            found[peer] = statistics.median(each)
    return found


def table(rows, chosen):
    """Lines of text: a table a subject."""
    for subject, peers in medians(rows).items():
        shown = [each for each in MEASURES if any(each[0] in found for found in peers.values())]
        of_chosen = ratios(rows, subject, chosen)
        key = decisive(rows, subject)
        heading = "".join(f"{title:>12}" for _, title, _ in shown)
        what = dict((each, title) for each, title, _ in MEASURES)[key]
        yield f"{subject:<18}{heading}{'ratio':>9}  of {what} to {chosen}'s"
        for peer, found in peers.items():
            cells = (form.format(found[name]) if name in found else "–" for name, _, form in shown)
            ratio = f"{of_chosen[peer]:.2f}" if peer in of_chosen else "–"
            yield f"{peer:<18}{''.join(f'{cell:>12}' for cell in cells)}{ratio:>9}"
        yield ""


def write_csv(path, rows):
    """One line a measurement, not the medians: whoever doubts them has them all."""
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, KEYS, extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows(rows)


# ---- the plot ----------------------------------------------------------------------------------------

WIDTH, LABELS, NUMBERS, BAR = 760, 150, 110, 18
OURS, THEIRS = "#2b6cb0", "#a0aec0"


def plot(rows, title):
    """SVG: bars of each subject's decisive measure."""
    y, parts = 30, []
    for subject, peers in medians(rows).items():
        key = decisive(rows, subject)
        heading, form = {each: (title, form) for each, title, form in MEASURES}[key]
        values = {peer: found[key] for peer, found in peers.items() if key in found}
        most = max(values.values(), default=0) or 1
        y += 26
        parts.append(
            f'<text x="8" y="{y}" font-weight="bold">{escape(f"{subject}: {heading}")}</text>'
        )
        y += 8
        for peer, value in values.items():
            length = (WIDTH - LABELS - NUMBERS) * value / most
            colour = OURS if peer.startswith("spawn") else THEIRS
            parts += [
                f'<text x="{LABELS - 6}" y="{y + 13}" text-anchor="end">{escape(peer)}</text>',
                f'<rect x="{LABELS}" y="{y + 2}" width="{length:.1f}" height="{BAR - 4}" fill="{colour}"/>',
                f'<text x="{LABELS + length + 6:.1f}" y="{y + 13}">{form.format(value)}</text>',
            ]
            y += BAR
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 12}" '
        f'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n'
        f'<text x="8" y="22" font-size="14">{escape(title)}</text>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )

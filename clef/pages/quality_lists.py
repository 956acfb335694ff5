"""The words of the quality page: its title, a line per site, and the sessions to look at first."""

import textwrap

import matplotlib.pyplot as plt
import polars as pl

from tokenizer.filters import CLIP_UV
from tokenizer.quality.measures import (
    BAD_FLAGS,
    BRIDGE_SHARE,
    LIMITS,
    LOUD_UV,
    SUSPICIOUS_BAD_SHARE,
    SUSPICIOUS_MAINS_SHARE,
    SUSPICIOUS_USABLE_SHARE,
)
from tokenizer.quality.raw import FLAT_UV, SATURATED_S
from tokenizer.reading.gate import COMMON

SESSION_FLAGS = ("little usable", "bad channels", "common mode", "mains")
"""Worst first."""
RED = "#cb181d"
LINE = 0.0165
"""Height of a line of text, as a share of the page."""
COLUMNS = (0.0, 0.27, 0.36, 0.445, 0.55, 0.675, 0.8, 0.935, 1.0)
REASONS = 3
"""Most reasons for not reading that are listed."""
WORDS = (
    f"A second of a channel is usable unless it is flat (moves less than {FLAT_UV:g} µV), at the limit of its "
    f"amplifier, or loud (spans more than {LOUD_UV:g} µV). Flags: flat or loud in more than "
    f"{LIMITS['flat_share']:.0%} of the seconds; clipped: more than {LIMITS['clipped_share']:.1%} of the samples in "
    f"plateaus at the channel's own extremes; saturated: more than {LIMITS['saturated_share']:.0%} in plateaus of "
    f"{SATURATED_S:g} s; railing: at a limit in more than {LIMITS['railing_share']:.0%} of the seconds; left out by "
    f"the reader: beyond ±{CLIP_UV / 1e6:g} V, or nothing but a drift; mains: more than {LIMITS['mains_share']:.0%} of "
    f"the power before the notch; pops: more than {LIMITS['pops_per_minute']:g} a minute; bridged: differs from "
    f"another electrode by less than {BRIDGE_SHARE:.0%} of its power. Suspicious sessions: usable at 8 channels for "
    f"less than {SUSPICIOUS_USABLE_SHARE:.0%} of the time; more than {SUSPICIOUS_BAD_SHARE:.0%} of the channels flat, "
    f"clipped, saturated, railing, loud or left out; more than {COMMON:.0%} of the power common to all electrodes "
    f"(check the reference); mains more than {SUSPICIOUS_MAINS_SHARE:.0%} of the power of the median channel."
)
"""What the flags mean, for somebody who has only the page."""
WORD_LINES = 1 + len(textwrap.wrap(WORDS, 125))


def title(figure: plt.Figure, each: pl.DataFrame, name: str) -> None:
    """The cohort's name, and its numbers in one sentence."""
    read, flagged = each.filter(pl.col("reason").is_null()), each.filter(pl.col("session_flags").list.len() > 0)
    hours, usable = read["session_seconds"].sum() / 3600, read["session_usable_seconds"].sum() / 3600
    counts = f"suspicious: {len(flagged):,}, not readable: {len(each) - len(read):,}"
    figure.text(0.02, 0.967, f"EEG quality: {name[:70]}", fontsize=15, weight="bold", va="center")
    line = f"sessions: {len(each):,}, hours: {hours:,.1f}, of them usable: {usable:,.1f}; {counts}"
    figure.text(0.02, 0.938, line, fontsize=11, va="center")


def lists(figure: plt.Figure, table: pl.DataFrame, each: pl.DataFrame, left: float, top: float, width: float) -> None:
    """A line per site, the sessions that are suspicious, and why others could not be read; one below the other."""
    page = _Lines(figure, left, top, width)
    _site_table(page, each)
    page.skip()
    _suspicious(page, table, each)
    page.skip()
    _not_read(page, each)
    page.y = 0.02 + WORD_LINES * LINE
    page.put(0, "How to read this page", weight="bold")
    for line in textwrap.wrap(WORDS, 125):
        page.skip()
        page.put(0, line, fontsize=8, color="#444444")


class _Lines:
    """Text on a figure, line by line."""

    def __init__(self, figure: plt.Figure, left: float, top: float, width: float) -> None:
        self.figure, self.left, self.y, self.width = figure, left, top, width

    def put(self, x: float, text: str, **style) -> None:
        """Text at `x` (0 to 1 of the width) of the present line."""
        self.figure.text(self.left + x * self.width, self.y, text, va="top", **({"fontsize": 8.5} | style))

    def skip(self) -> None:
        self.y -= LINE

    @property
    def room(self) -> int:
        """Lines left on the page."""
        return int((self.y - 0.02) / LINE) - WORD_LINES - 1


def _site_table(page: _Lines, each: pl.DataFrame) -> None:
    count = lambda flag: pl.col("session_flags").list.contains(flag).sum().alias(flag)
    sites = each.group_by("site", maintain_order=True).agg(
        pl.len().alias("sessions"),
        (pl.col("session_usable_seconds").sum() / 3600).alias("usable h"),
        pl.col("reason").is_not_null().sum().alias("not read"),
        (pl.col("session_flags").list.len() > 0).sum().alias("suspicious"),
        *map(count, SESSION_FLAGS),
    )
    for x, text in zip(COLUMNS, sites.columns, strict=True):
        page.put(x, text, ha="right" if x else "left", weight="bold", fontsize=7.8)
    for row in sites.iter_rows(named=True):
        page.skip()
        for x, (column, value) in zip(COLUMNS, row.items(), strict=True):
            text = value[:28] if column == "site" else f"{value:,.1f}" if column == "usable h" else f"{value:,}"
            bad = column not in ("site", "sessions", "usable h") and value
            page.put(x, text, ha="right" if x else "left", color=RED if bad else "black")
    page.skip()


def _suspicious(page: _Lines, table: pl.DataFrame, each: pl.DataFrame) -> None:
    read = each.filter(pl.col("reason").is_null())
    has = [pl.col("session_flags").list.contains(flag) for flag in SESSION_FLAGS]
    by = (*has, pl.col("mean_usable").round(1), "median_mains")
    ranked = read.sort(*by, descending=[True] * len(has) + [False, True], nulls_last=True)
    suspicious = ranked.filter(pl.col("session_flags").list.len() > 0)
    below = 2 + min(REASONS + 1, each["reason"].n_unique()) if len(read) < len(each) else 0
    shown = (suspicious if len(suspicious) else ranked).head(max(1, page.room - 1 - below))
    more = f" ({len(shown)} of {len(suspicious):,}; the table has all)" if len(suspicious) > len(shown) else ""
    heading = f"Suspicious sessions{more}" if len(suspicious) else "No session is suspicious; the least usable are"
    page.put(0, heading, weight="bold")
    for row in shown.iter_rows(named=True):
        page.skip()
        page.put(0, row["session_id"][:30])
        page.put(0.27, why(row, table.filter(pl.col("session_id") == row["session_id"]))[:92])
    page.skip()


def _not_read(page: _Lines, each: pl.DataFrame) -> None:
    refused = each.filter(pl.col("reason").is_not_null())
    if not len(refused):
        return
    page.put(0, f"Could not be read ({len(refused):,})", weight="bold")
    groups = refused.group_by("reason").agg(pl.len(), pl.col("session_id").first()).sort("len", descending=True)
    for reason, count, session in groups.head(REASONS).iter_rows():
        page.skip()
        page.put(0, f"{count:,}, as {session[:24]}")
        page.put(0.27, textwrap.shorten(reason, 92, placeholder=" …"))
    if len(groups) > REASONS:
        page.skip()
        page.put(0, f"and {len(groups) - REASONS:,} other reasons; the table has all")


def why(row: dict, channels: pl.DataFrame) -> str:
    """In words: what makes a session suspicious."""
    bad = channels["flags"].list.set_intersection(list(BAD_FLAGS))
    bad = bad.filter(bad.list.len() > 0)
    kinds = ", ".join(sorted(bad.explode().unique()))
    words = {
        "common mode": f"{row['session_common_share']:.0%} of the power is common to all electrodes; "
        f"{row['session_common_seconds']:.0%} of the seconds are",
        "bad channels": f"{len(bad)} of {row['recorded']} channels: {kinds}",
        "mains": f"mains {row['median_mains'] or 0:.0%} of the median channel",
        "little usable": f"usable {row['session_usable_seconds']:.0f} of {row['session_seconds']:.0f} s",
    }
    return "; ".join(words[flag] for flag in row["session_flags"]) or f"{row['mean_usable']:.1%} usable"

"""The page about the quality of a cohort: sessions x channels, what is wrong where, how measures are spread, the worst.

Up to 150 sessions have a row each; of more, neighbours in the order of usable seconds share one, so that the page reads
the same for 260,000.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.colors import BoundaryNorm, ListedColormap

from clef.pages.quality_lists import lists, title
from clef.pages.quality_spreads import draw_spreads
from clef.pages.regions import FRONT_TO_BACK
from tokenizer.base.files import write_aside

FLAGS = ("absent", "left out", "flat", "clipped", "saturated", "railing", "loud", "mains", "pops", "bridged")
ROWS, NAMED, SITES = 150, 40, 9
"""Most rows of the map, most that are named, most sites shown apart."""
STEPS = (0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0001)
COLOURS = ("#67000d", "#cb181d", "#fb6a4a", "#fdae6b", "#fee8c8", "#e3efe6")
NOTHING = "#bdbdbd"
DOTS = {"mains": "#2166ac", "pops": "#762a83", "bridged": "#1b7837"}
TOP, MAP_HEIGHT = 0.87, 0.56
"""Where the map begins, and how high it is with many sessions, as shares of the page."""
STYLE = {"font.size": 8.5, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#888888"}


def draw(table: pl.DataFrame, sessions: pl.DataFrame, name: str, path: Path) -> None:
    """Draw the page of a quality table as PNG; `sessions` gives the sites, `name` stands in the title."""
    table = table.join(_sites(sessions), on="session_id", how="left")
    each = _one_row_each(table)
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(16, 11.2))
        title(figure, each, name)
        height = MAP_HEIGHT * max(0.25, min(1, len(each) / NAMED))
        _map(figure, (0.1, TOP - height, 0.345, height), table, each)
        _what_where(figure.add_axes((0.1, TOP - height - 0.285, 0.345, 0.19)), table)
        right = figure.add_gridspec(2, 3, left=0.55, right=0.985, top=TOP, bottom=0.55, hspace=0.7, wspace=0.3)
        draw_spreads([figure.add_subplot(right[i // 3, i % 3]) for i in range(6)], table, each)
        lists(figure, table, each, left=0.53, top=0.5, width=0.455)
        with write_aside(path) as aside:
            figure.savefig(aside, dpi=110, format="png")
        plt.close(figure)


def _sites(sessions: pl.DataFrame) -> pl.DataFrame:
    """session_id -> site; where there are many, the smaller ones are one."""
    site = sessions.select("session_id", pl.col("site").fill_null("site unknown"))
    large = site["site"].value_counts(sort=True)["site"]
    if len(large) <= SITES:
        return site
    rest = pl.lit(f"{len(large) - SITES + 1} other sites")
    return site.with_columns(
        site=pl.when(pl.col("site").is_in(large.head(SITES - 1).implode())).then("site").otherwise(rest)
    )


def _one_row_each(table: pl.DataFrame) -> pl.DataFrame:
    """One row per session: site by site, the most usable first, what could not be read last."""
    each = table.group_by("session_id", maintain_order=True).agg(
        pl.col("site", "reason").first(),
        pl.col("^session_.*$").first(),
        pl.col("usable_share").mean().alias("mean_usable"),
        pl.col("mains_share").median().alias("median_mains"),
        pl.col("recorded").sum(),
    )
    order = each.sort("site", "mean_usable", "session_id", descending=[False, True, False], nulls_last=True)
    return order.with_row_index("at")


def _rows(each: pl.DataFrame) -> np.ndarray:
    """For each session its row of the map: its own if there is room, else one it shares with its neighbours."""
    if len(each) <= ROWS:
        return np.arange(len(each))
    row, first = np.zeros(len(each), int), 0
    for (sessions,) in each.group_by("site", maintain_order=True).len().select("len").iter_rows():
        shown = min(sessions, max(4, round(ROWS * sessions / len(each))))  # the smallest site is still to be seen
        start = row[first - 1] + 1 if first else 0
        row[first : first + sessions] = start + np.arange(sessions) * shown // sessions
        first += sessions
    return row


def _map(figure: plt.Figure, box: tuple[float, ...], table: pl.DataFrame, each: pl.DataFrame) -> None:
    rows = each.select("session_id", "at").with_columns(row=pl.Series(_rows(each)))
    cells = table.join(rows, on="session_id").group_by("row", "channel").agg(pl.col("usable_share").mean())
    shares = np.full((rows["row"].max() + 1, 19), np.nan)
    for row, channel, share in cells.iter_rows():
        shares[row, FRONT_TO_BACK.index(channel)] = np.nan if share is None else share
    axes = figure.add_axes(box)
    colours = ListedColormap(COLOURS).with_extremes(bad=NOTHING)
    image = axes.imshow(shares, aspect="auto", interpolation="nearest", cmap=colours, norm=BoundaryNorm(STEPS, 6))
    _plain(axes, FRONT_TO_BACK)
    axes.tick_params(labeltop=True, labelbottom=False)
    one_each = len(shares) == len(each)
    per_row = "" if one_each else f", about {len(each) / len(shares):,.0f} to a row"
    axes.set_title(f"Usable share of seconds ({len(each):,} sessions{per_row})", loc="left", pad=8)
    if one_each:
        _dots(axes, table.join(rows, on="session_id"))
    _legend(figure, image, box[1] - 0.03, one_each)
    _side_names(axes, rows["row"].to_numpy(), each)
    _strips(figure.add_axes((box[0] + box[2] + 0.004, box[1], 0.042, box[3])), rows["row"].to_numpy(), each)


def _plain(axes: plt.Axes, names: tuple[str, ...], **style) -> None:
    """Names below the columns, and neither ticks nor frame."""
    axes.set_xticks(range(len(names)), names, **style)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _legend(figure: plt.Figure, image: matplotlib.image.AxesImage, y: float, dots: bool) -> None:
    bar = figure.colorbar(image, cax=figure.add_axes((0.1, y, 0.17, 0.008)), orientation="horizontal")
    bar.set_ticks(STEPS[:-1], labels=[f"{100 * step:g}%" for step in STEPS[:-1]])
    bar.outline.set_visible(False)
    figure.text(0.285, y + 0.004, "■", color=NOTHING, va="center")
    figure.text(0.295, y + 0.004, "not recorded, not readable", va="center")
    for i, (flag, colour) in enumerate(DOTS.items() if dots else ()):
        figure.text(0.285 + 0.05 * i, y - 0.014, f"● {flag}", color=colour, va="center")


def _dots(axes: plt.Axes, table: pl.DataFrame) -> None:
    """Flags that leave a channel usable, as dots on its cell."""
    for i, (flag, colour) in enumerate(DOTS.items()):
        flagged = table.filter(pl.col("flags").list.contains(flag))
        columns = [FRONT_TO_BACK.index(channel) - 0.25 + 0.25 * i for channel in flagged["channel"]]
        axes.scatter(columns, flagged["row"], s=7, color=colour, linewidths=0)


def _side_names(axes: plt.Axes, rows: np.ndarray, each: pl.DataFrame) -> None:
    """Sites as brackets on the left; the names of sessions where there is room for them."""
    named = len(each) <= NAMED
    axes.set_yticks(*((range(len(each)), [f"{s[:22]}" for s in each["session_id"]]) if named else ([], [])))
    sites = each["site"].to_numpy()
    firsts = np.flatnonzero(np.r_[True, sites[1:] != sites[:-1]])
    for first, last in zip(firsts, np.r_[firsts[1:], len(sites)] - 1, strict=True):
        top, bottom = rows[first] - 0.5, rows[last] + 0.5
        if first:
            axes.axhline(top, color="black", linewidth=0.8)
        if not named:
            axes.text(-0.8, (top + bottom) / 2, f"{sites[first][:16]}  {last - first + 1:,}", ha="right", va="center")


def _strips(axes: plt.Axes, rows: np.ndarray, each: pl.DataFrame) -> None:
    """Beside the map: how much is common to all electrodes, how much is mains, and the share that is suspicious."""
    flagged = (pl.col("session_flags").list.len() > 0).cast(pl.Float32).alias("flagged")
    values = each.with_columns(row=pl.Series(rows)).group_by("row", maintain_order=True)
    strips = values.agg(pl.col("session_common_share", "median_mains").mean(), flagged.mean()).drop("row").to_numpy()
    for column, colours in enumerate(("Blues", "Blues", "Reds")):
        colours = plt.get_cmap(colours).with_extremes(bad=NOTHING)
        extent = (column - 0.5, column + 0.5, len(strips) - 0.5, -0.5)
        strip = strips[:, column : column + 1].astype(float)
        axes.imshow(strip, aspect="auto", interpolation="nearest", cmap=colours, vmin=0, vmax=1, extent=extent)
    axes.set_xlim(-0.5, 2.5)
    axes.set_ylim(len(strips) - 0.5, -0.5)
    axes.set_yticks([])
    _plain(axes, ("common", "mains", "suspect"), rotation=90)
    axes.tick_params(labeltop=True, labelbottom=False)


def _what_where(axes: plt.Axes, table: pl.DataFrame) -> None:
    """Flags x channels: the share of the sessions that were read in which a channel has a flag."""
    read = table.filter(pl.col("reason").is_null())
    counts = read.select("channel", "flags").explode("flags").drop_nulls().group_by("channel", "flags").len()
    shares = np.zeros((len(FLAGS), 19))
    for channel, flag, count in counts.iter_rows():
        shares[FLAGS.index(flag), FRONT_TO_BACK.index(channel)] = 100 * 19 * count / max(1, len(read))
    axes.imshow(shares, aspect="auto", interpolation="nearest", cmap="Oranges", vmin=0, vmax=max(10, shares.max()))
    for (row, column), share in np.ndenumerate(shares):
        if share > 0:
            colour = "white" if share > 0.6 * max(10, shares.max()) else "black"
            text = f"{share:.0f}" if share >= 0.95 else "<1"
            axes.text(column, row, text, ha="center", va="center", fontsize=7.5, color=colour)
    axes.set_yticks(range(len(FLAGS)), FLAGS)
    _plain(axes, FRONT_TO_BACK)
    axes.set_title("Flagged channels, % of the sessions read", loc="left")

"""Figures 3 to 6: how well each method finds anomalies, where, and which (paper Sec. 3.3)."""

import json
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from workflow.lib.common.joins import need_same
from workflow.lib.common.tables import read_table
from workflow.lib.cutouts.shards import read_thumbnails
from workflow.lib.figures.canvas import Canvas, legend_above, mark_cells, mosaic
from workflow.lib.figures.style import (
    BLACK,
    BLUE,
    LOOKS,
    METHODS,
    ORANGE,
    VERMILION,
    Look,
)

METHOD_LOOKS = {
    "baseline": Look(BLACK, (0, (5, 1.5)), "s"),
    "ellipse-gp": Look(ORANGE, (0, (3, 1, 1, 1)), "^"),
    "cnn-gp": Look(BLUE, "-", "o"),
}
"""The paper's colours, but orange instead of magenta, which many cannot tell from its blue; other
methods get those of `style.LOOKS`."""

CHANCE = VERMILION
"""Colour of the expected score of a random order."""

SEARCHES = {
    "baseline": "Ellipse Representation, Isolation Forest search",
    "ellipse-gp": "Ellipse Representation, GP search",
    "cnn-gp": "CNN Representation, GP search",
}
"""Titles of the panels of Figure 4, as in the paper; others keep the method's name."""

TASK_WIDTH = 0.8
"""Width of the column with the tasks' names in Figure 6 [inch]."""


def gather_curves(
    curves: Mapping[str, str | Path], counts: Mapping[str, str | Path]
) -> pd.DataFrame:
    """Gather the scores of the first N galaxies of a ranking, for all tasks of Figure 3 or 5.

    Parameters
    ----------
    curves, counts
        For each task, the CSV by `scores.score_repeats` and the JSON by
        `candidates.select_candidates`.

    Returns
    -------
    pandas.DataFrame
        task and the columns of the curves, accuracy_ceiling (the highest that is possible),
        anomalies and galaxies (their numbers in the task).
    """
    tables = []
    for task, path in curves.items():
        table, known = pd.read_csv(path), json.loads(Path(counts[task]).read_text())
        table.insert(0, "task", task)
        table["accuracy_ceiling"] = np.minimum(1, known["anomalies"] / table["first"])
        tables.append(table.assign(anomalies=known["anomalies"], galaxies=known["galaxies"]))
    return pd.concat(tables)


def draw_scores(canvas: Canvas) -> None:
    """Draw rank weighted score and accuracy of the first N galaxies of a ranking (Figs. 3, 5).

    Each task has a column of two panels; thin lines are repeats, thick ones their mean. Other lines
    are what chance gives, for both kinds of ranking, and the highest accuracy that is possible.

    Parameters
    ----------
    canvas
        With source data by `gather_curves`.
    """
    tasks = canvas.source.groupby("task", sort=False)
    figure, axes = canvas.panels(
        2, len(tasks), canvas.width * 0.8, width=min(1.0, 0.5 * len(tasks)),
        sharex=True, sharey="row",
    )  # fmt: skip
    for (task, table), (above, below) in zip(tasks, axes.T, strict=True):
        anomalies, galaxies = table[["anomalies", "galaxies"]].iloc[0]
        for panel, metric in ((above, "rank_weighted_score"), (below, "accuracy")):
            methods = table.groupby("method", sort=False)
            for (method, rows), other in zip(methods, cycle(LOOKS), strict=False):
                look = METHOD_LOOKS.get(str(method), other)
                _draw_repeats(panel, rows, metric, METHODS.get(str(method), str(method)), look)
            panel.axhline(anomalies / galaxies, color=CHANCE, lw=1, label="random order")
            _draw_once(panel, table[table["known"] > 0], f"{metric}_chance", "--", "random ratings")
            panel.set(xlim=(0, None), ylim=(0, 1.02))
        _draw_once(below, table, "accuracy_ceiling", ":", "highest possible")
        above.set_title(f"{task}: {anomalies} of {galaxies:,}")
        below.set_xlabel("Top N galaxies")
    axes[0, 0].set_ylabel("Rank Weighted Score")
    axes[1, 0].set_ylabel("Accuracy")
    legend_above(figure, columns=3 if len(tasks) == 1 else None)
    canvas.save(figure)


def _draw_repeats(panel: plt.Axes, rows: pd.DataFrame, metric: str, label: str, look: Look) -> None:
    """Draw a metric by N: a thin line for each repeat, a thick one for their mean."""
    each = rows.pivot_table(index="first", columns="repeat", values=metric)
    panel.plot(each.index, each, lw=0.4, alpha=0.35, color=look.colour, zorder=1)
    panel.plot(
        each.index, each.mean(axis=1), lw=1.6, color=look.colour, linestyle=look.dash,
        marker=look.marker, markevery=0.2, label=label,
    )  # fmt: skip


def _draw_once(panel: plt.Axes, rows: pd.DataFrame, metric: str, style: str, label: str) -> None:
    """Draw a metric by N that is the same for all methods and repeats; nothing without rows."""
    rows = rows.drop_duplicates("first")
    if len(rows):
        panel.plot(rows["first"], rows[metric], style, lw=1, color="grey", label=label)


def gather_interest(
    positions: Mapping[str, str | Path],
    repeats: Mapping[str, str | Path],
    candidates: str | Path,
) -> pd.DataFrame:
    """Gather where methods looked for anomalies, and where the anomalies are (Fig. 4).

    Parameters
    ----------
    positions
        For each method, Parquet with iauname, umap_x, umap_y; each gets a panel.
    repeats
        For each method, one repeat by `hunt.hunt_anomalies`.
    candidates
        By `candidates.select_candidates`.

    Returns
    -------
    pandas.DataFrame
        method, iauname, umap_x, umap_y, value, chosen_by (what the value is: rarity for the
        baseline, otherwise interest as predicted after the last rating), anomaly, rated.
    """
    galaxies = read_table(candidates, text=["iauname"])[["iauname", "anomaly"]]
    tables = []
    for method, path in positions.items():
        found = read_table(repeats[method], text=["iauname"])
        need_same(galaxies["iauname"], found["iauname"], repeats[method])
        chosen_by = "rarity" if "rarity" in found else "interest"
        found = found.assign(value=found[chosen_by], rated=found["rated"].notna())
        placed = read_table(path, text=["iauname"]).merge(galaxies, on="iauname")
        placed = placed.merge(found[["iauname", "value", "rated"]], on="iauname")
        tables.append(placed.assign(method=method, chosen_by=chosen_by))
    order = ["method", "iauname", "umap_x", "umap_y", "value", "chosen_by", "anomaly", "rated"]
    return pd.concat(tables)[order]


def draw_interest(canvas: Canvas) -> None:
    """Draw where methods looked for anomalies, and where the anomalies are (Fig. 4).

    Galaxies are coloured by the value that a method chose them by. Anomalies are red points, rated
    galaxies black rings, through which the colours are seen.

    Parameters
    ----------
    canvas
        With source data by `gather_interest`.
    """
    methods = canvas.source.groupby("method", sort=False)
    figure, (axes,) = canvas.panels(1, len(methods), canvas.width / len(methods) + 0.3)
    for panel, (method, placed) in zip(axes, methods, strict=True):
        dot = float(np.clip(4000 / len(placed), 0.5, 12))
        anomalies, rated = placed[placed["anomaly"]], placed[placed["rated"]]
        low, high = placed["value"].quantile([0.01, 0.99])
        colours = ScalarMappable(Normalize(low, high), "coolwarm")
        panel.scatter(
            placed["umap_x"], placed["umap_y"], dot, colours.to_rgba(placed["value"], alpha=0.4),
            lw=0, rasterized=True,
        )  # fmt: skip
        panel.scatter(
            anomalies["umap_x"], anomalies["umap_y"], 12, "red", edgecolors="white", lw=0.3,
            label="anomalies",
        )  # fmt: skip
        panel.scatter(
            rated["umap_x"], rated["umap_y"], 16, "none", edgecolors="black", lw=0.5, label="rated"
        )
        panel.set_title(SEARCHES.get(str(method), str(method)))
        panel.set_axis_off()
        # A bar of all its colours; the points are translucent.
        figure.colorbar(colours, ax=panel, location="bottom", shrink=0.6, aspect=30).set_label(
            placed["chosen_by"].iloc[0]
        )
    legend_above(figure)
    canvas.save(figure)


def gather_finds(
    repeats: Mapping[str, str | Path],
    candidates: Mapping[str, str | Path],
    *,
    among: int,
    columns: int,
    rows: int,
    seed: int,
) -> pd.DataFrame:
    """Select some of the highest ranked galaxies of each task at random (Fig. 6).

    Parameters
    ----------
    repeats, candidates
        For each task, by `hunt.hunt_anomalies` and `candidates.select_candidates`.
    among
        Number of highest ranks that galaxies are selected from.
    columns, rows
        Size of each task's block; its last cells are empty if there are fewer galaxies.
    seed
        Sets which galaxies are selected.

    Returns
    -------
    pandas.DataFrame
        task, iauname, rank, anomaly, column, row.
    """
    blocks = []
    for number, task in enumerate(reversed(repeats)):
        found = read_table(repeats[task], text=["iauname"])
        galaxies = read_table(candidates[task], text=["iauname"])
        need_same(galaxies["iauname"], found["iauname"], repeats[task])
        found = found.merge(galaxies, on="iauname")
        best = found[found["rank"] <= among]
        count = min(columns * rows, len(best))
        chosen = best.sample(count, random_state=seed).sort_values("rank")
        place = np.arange(count)
        row = number * rows + rows - 1 - place // columns
        blocks.append(chosen.assign(task=task, column=place % columns, row=row))
    return pd.concat(blocks[::-1])[["task", "iauname", "rank", "anomaly", "column", "row"]]


def draw_finds(
    canvas: Canvas, cutouts: Sequence[str | Path], *, columns: int, rows: int, crop: int
) -> None:
    """Draw a random selection of the highest ranked galaxies of each task (Fig. 6).

    True anomalies have a green border.

    Parameters
    ----------
    canvas
        With source data by `gather_finds`.
    cutouts
        Shards with the galaxies of all tasks.
    columns, rows
        As for `gather_finds`.
    crop
        Pixels cut from each side of a thumbnail.
    """
    shown = canvas.source
    tasks = shown["task"].unique()
    side = canvas.side(columns, rows * len(tasks), canvas.width - TASK_WIDTH)
    picture = mosaic(shown, read_thumbnails(cutouts, shown["iauname"].tolist()), side, crop)
    mark_cells(picture, side, shown[shown["anomaly"]])
    for number in range(1, len(tasks)):
        picture[number * rows * side - side // 20 : number * rows * side + side // 20] = 255
    figure, axes = canvas.frame(picture, left=TASK_WIDTH)
    for number, task in enumerate(tasks):
        middle = (number + 0.5) * rows * side
        name = task.replace("-", "\n", 1)
        axes.text(-0.08 * canvas.dpi, middle, name, ha="right", va="center", size=8)
    canvas.save(figure)

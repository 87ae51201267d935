"""Figures 3 to 6: searches for anomalies, and what they find (paper Sec. 3.3)."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow.lib.common.files import write_text
from workflow.lib.common.tables import read_table
from workflow.lib.cutouts.shards import read_thumbnails
from workflow.lib.figures.canvas import framed, mosaic, notes_on, plt, save_figure

COLOURS = {"baseline": "black", "ellipse-gp": "magenta", "cnn-gp": "tab:blue"}
"""Of the methods, as in the paper; others take matplotlib's own."""

CHANCE = "red"
"""Colour of what a random order can be expected to score."""

LABEL_WIDTH = 0.8
"""Room for the tasks' names beside Figure 6 [inch]."""


def draw_scores(
    curves: Mapping[str, str | Path],
    counts: Mapping[str, str | Path],
    description: str | Path,
    *,
    width: float,
    dpi: int,
    survey_note: str,
    pdf: str | Path,
    png: str | Path,
    csv: str | Path,
) -> None:
    """Draw rank weighted score and accuracy of the first N, each repeat and their mean.

    Parameters
    ----------
    curves, counts
        For each task, by `scores.score_repeats` and `candidates.select_candidates`.
    description, width, dpi, survey_note, pdf, png, csv
        As for `draw_representation`; the CSV has task, method, repeat, first,
        rank_weighted_score, accuracy, chance.
    """
    tables = []
    columns = min(1.0, 0.5 * len(curves))
    figure, axes = plt.subplots(
        2, len(curves), figsize=(width * columns, width * 0.75), sharex=True, sharey="row",
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for (task, path), (above, below) in zip(curves.items(), axes.T, strict=True):
        known = json.loads(Path(counts[task]).read_text())
        chance = known["anomalies"] / known["galaxies"]
        table = pd.read_csv(path).assign(task=task, chance=chance)
        tables.append(table)
        for panel, metric in ((above, "rank_weighted_score"), (below, "accuracy")):
            for method, rows in table.groupby("method", sort=False):
                _traces(panel, rows, metric, str(method))
            panel.axhline(chance, color=CHANCE, lw=1, label="random")
            panel.set_ylim(0, 1.02)
        title = f"{task}: {known['anomalies']} of {known['galaxies']:,}"
        above.set_title(title, fontsize=8)
        below.set_xlabel("Top N galaxies")
    axes[0, 0].set_ylabel("Rank Weighted Score")
    axes[1, 0].set_ylabel("Accuracy")
    handles = {
        label: handle
        for panel in axes[0]
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    axes[0, -1].legend(handles.values(), handles, frameon=False, fontsize=7, loc="best")
    figure.suptitle("\n".join(notes_on(survey_note, description)), fontsize=6)
    save_figure(figure, pdf, png, dpi)
    order = ["task", "method", "repeat", "first", "rank_weighted_score", "accuracy", "chance"]
    write_text(pd.concat(tables)[order].to_csv(index=False, float_format="%.5f"), csv)


def _traces(panel: plt.Axes, rows: pd.DataFrame, metric: str, method: str) -> None:
    each = rows.pivot_table(index="first", columns="repeat", values=metric)
    style = "--" if method == "baseline" else "-"
    (line,) = panel.plot(
        each.index, each.mean(axis=1), style, lw=1.5, color=COLOURS.get(method), label=method
    )
    panel.plot(each.index, each, lw=0.5, alpha=0.25, color=line.get_color())


def draw_interest(
    positions: Mapping[str, str | Path],
    repeats: Mapping[str, str | Path],
    candidates: str | Path,
    description: str | Path,
    *,
    width: float,
    dpi: int,
    survey_note: str,
    pdf: str | Path,
    png: str | Path,
    csv: str | Path,
) -> None:
    """Draw where methods looked for anomalies, and where these are (Fig. 4).

    Galaxies are coloured by what a method chose them by: their rarity, if it began with that, or
    their interest, as predicted at the end. Anomalies are red, galaxies that were rated black.

    Parameters
    ----------
    positions
        For each method, a panel: Parquet with iauname, umap_x, umap_y.
    repeats
        For each method one repeat by `hunt.hunt_anomalies`.
    candidates
        By `candidates.select_candidates`.
    description, width, dpi, survey_note, pdf, png, csv
        As for `draw_representation`; the CSV has method, iauname, umap_x, umap_y, value,
        anomaly, rated.
    """
    galaxies = read_table(candidates, text=["iauname"])[["iauname", "anomaly"]]
    figure, axes = plt.subplots(
        1, len(positions), figsize=(width, width / len(positions)), layout="constrained"
    )
    drawn = []
    for panel, (method, path) in zip(np.atleast_1d(axes), positions.items(), strict=True):
        found = read_table(repeats[method], text=["iauname"])
        chosen_by = "rarity" if "rarity" in found else "interest"
        found = found.assign(value=found[chosen_by], rated=found["rated"].notna())
        placed = read_table(path, text=["iauname"]).merge(galaxies, on="iauname")
        placed = placed.merge(found[["iauname", "value", "rated"]], on="iauname")
        dot = float(np.clip(4000 / len(placed), 0.5, 12))
        anomalies, rated = placed[placed["anomaly"]], placed[placed["rated"]]
        low, high = placed["value"].quantile([0.01, 0.99])
        panel.scatter(
            placed["umap_x"], placed["umap_y"], dot, placed["value"], cmap="coolwarm",
            vmin=low, vmax=high, alpha=0.4, lw=0, rasterized=True,
        )  # fmt: skip
        # Red on black, so that both are seen of an anomaly that was rated.
        for shown, size, colour, name in (
            (rated, 8, "black", "rated"),
            (anomalies, 3, "red", "anomalies"),
        ):
            panel.scatter(shown["umap_x"], shown["umap_y"], size, colour, lw=0, label=name)
        panel.set_title(f"{method}: {chosen_by}", fontsize=8)
        panel.set_axis_off()
        drawn.append(placed.assign(method=method))
    panel.legend(frameon=False, fontsize=7, loc="best")
    figure.suptitle("\n".join(notes_on(survey_note, description)), fontsize=6)
    save_figure(figure, pdf, png, dpi)
    order = ["method", "iauname", "umap_x", "umap_y", "value", "anomaly", "rated"]
    write_text(pd.concat(drawn)[order].to_csv(index=False, float_format="%.4f"), csv)


def draw_finds(
    repeats: Mapping[str, str | Path],
    candidates: Mapping[str, str | Path],
    cutouts: Sequence[str | Path],
    description: str | Path,
    *,
    among: int,
    columns: int,
    rows: int,
    crop: int,
    seed: int,
    width: float,
    dpi: int,
    survey_note: str,
    pdf: str | Path,
    png: str | Path,
    csv: str | Path,
) -> None:
    """Draw a random choice of the galaxies that are ranked highest, for each task (Fig. 6).

    Parameters
    ----------
    repeats, candidates
        For each task, by `hunt.hunt_anomalies` and `candidates.select_candidates`.
    cutouts
        Shards with the galaxies of all tasks.
    among
        So many of the highest ranks are chosen from.
    columns, rows
        Galaxies that are shown of each task; fewer if there are not so many.
    seed
        Of the choice.
    description, crop, width, dpi, survey_note, pdf, png, csv
        As for `draw_representation`; the CSV has task, iauname, rank, anomaly, column, row.
    """
    blocks = []
    for number, task in enumerate(reversed(repeats)):
        found = read_table(repeats[task], text=["iauname"]).merge(
            read_table(candidates[task], text=["iauname"]), on="iauname"
        )
        best = found[found["rank"] <= among]
        count = min(columns * rows, len(best))
        chosen = best.sample(count, random_state=seed).sort_values("rank")
        place = np.arange(count)
        row = number * rows + rows - 1 - place // columns
        blocks.append(chosen.assign(task=task, column=place % columns, row=row))
    shown = pd.concat(blocks[::-1])[["task", "iauname", "rank", "anomaly", "column", "row"]]
    side = max(8, round((width - LABEL_WIDTH) * dpi / columns))
    picture = mosaic(shown, read_thumbnails(cutouts, shown["iauname"].tolist()), side, crop)
    for number in range(1, len(repeats)):
        picture[number * rows * side - side // 20 : number * rows * side + side // 20] = 255
    figure, axes = framed(picture, notes_on(survey_note, description), dpi, left=LABEL_WIDTH)
    for number, task in enumerate(repeats):
        middle = (number + 0.5) * rows * side
        axes.text(-0.08 * dpi, middle, task.replace("-", "\n", 1), ha="right", va="center", size=8)
    save_figure(figure, pdf, png, dpi)
    write_text(shown.to_csv(index=False), csv)

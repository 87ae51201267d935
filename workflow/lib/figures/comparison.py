"""Encoders and representations on the paper's three tasks: one table, one figure."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from workflow.lib.common.errors import UserError
from workflow.lib.figures.canvas import Canvas, label_of
from workflow.lib.figures.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
)

COLUMNS = [
    "task", "survey", "label", "measure", "labelled", "encoder", "value", "error", "chance",
    "galaxies", "note",
]  # fmt: skip
"""Columns of the table of scores."""

TITLES = {
    "probes": "Labels: area under the ROC curve",
    "similarity": "Similar galaxies: precision of neighbours",
    "anomalies": "Rare galaxies",
    "finetuning": "New label: accuracy",
}
"""The panels of each task in the figure."""

COLOURS = [BLACK, BLUE, VERMILION, GREEN, PURPLE, SKY, ORANGE, YELLOW]
"""Of encoders, in this order; marks have a black edge."""

MARKERS = ["o", "s", "D", "^", "v", "P", "X", "*"]
"""Of encoders; the ninth has the first colour and the second marker."""

MEANS = {"tag": "all tags", "answer": "all answers"}
"""The labels of means over the tags or answers, by their kind."""

CHANCE = "0.6"
"""Colour of what chance gives."""

ROW, NAMED, CURVES = 0.055, 0.34, 2.4
"""Height of an encoder's mark in a row of the figure, least height of a row (its name may have two
lines), and height of a panel with curves [inch]."""

LEGEND = 5
"""Encoders in a line of the legend."""

Place = tuple[str, str]
"""The name of a task or label, and its survey."""


def gather_scores(
    descriptions: Mapping[str, str | Path],
    *,
    probes: Mapping[str, str | Path],
    retrieval: Mapping[str, str | Path],
    scores: Mapping[Place, str | Path],
    models: Mapping[Place, str | Path],
) -> pd.DataFrame:
    """Gather all scores of encoders in one table.

    Parameters
    ----------
    descriptions
        By encoder, in the order of the table, its `encoder.json`.
    probes, retrieval
        By survey, files by `probe.probe` and `retrieval.compare_retrieval`.
    scores
        By task and survey, files by `scores.score_repeats`, in which encoders are the methods.
    models
        By label and survey, files by `tabulate.tabulate`.

    Returns
    -------
    pandas.DataFrame
        task (a key of `TITLES`), survey, label (what is recognised or sought; `all tags` and `all
        answers` are means over these), measure (auc, precision_<neighbours>, average_precision,
        accuracy_<galaxies> or accuracy), labelled (number of galaxies learned from, for accuracy
        only), encoder, value, error (one standard deviation), chance, galaxies (the number
        scored, searched from or searched; missing for accuracy), and note.
    """
    parts = [
        *(_of_probes(survey, pd.read_csv(path)) for survey, path in probes.items()),
        *(_of_retrieval(survey, pd.read_csv(path)) for survey, path in retrieval.items()),
        *(_of_searches(*place, pd.read_csv(path)) for place, path in scores.items()),
        *(_of_heads(*place, pd.read_csv(path)) for place, path in models.items()),
    ]
    # Without empty parts, whose columns have no type.
    parts = [part.reindex(columns=COLUMNS) for part in parts if len(part)]
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(parts, ignore_index=True)
    table = table.astype({"labelled": "Int64", "galaxies": "Int64"})
    notes = {name: label_of(path) for name, path in descriptions.items()}
    table["note"] = table["encoder"].map(notes)
    order = {name: number for number, name in enumerate(descriptions)}
    first = {place: number for number, place in enumerate(_places(table))}
    ranks = pd.DataFrame(
        {
            "place": list(map(first.get, _places(table))),
            "labelled": table["labelled"],
            "encoder": table["encoder"].map(order),
        }
    )
    return table.iloc[ranks.sort_values(list(ranks), kind="stable").index].reset_index(drop=True)


def _places(table: pd.DataFrame) -> list[tuple[str, ...]]:
    return list(table[["task", "survey", "label", "measure"]].itertuples(index=False, name=None))


def _of_probes(survey: str, found: pd.DataFrame) -> pd.DataFrame:
    names = {"pretraining": "encoder", "auc": "value", "auc_error": "error"}
    fixed = {"task": "probes", "survey": survey, "measure": "auc", "chance": 0.5}
    return found.rename(columns=names).assign(**fixed)


def _of_retrieval(survey: str, found: pd.DataFrame) -> pd.DataFrame:
    """Give the precision of each tag and answer, and before them the means of either."""
    names = {
        "representation": "encoder", "precision": "value", "base_rate": "chance",
        "queries": "galaxies",
    }  # fmt: skip
    found = found.rename(columns=names)
    found["measure"] = "precision_" + found["first"].astype(str)
    means = [
        {
            "label": MEANS[kind],
            "measure": measure,
            "encoder": encoder,
            "value": group["value"].mean(),
            "error": np.sqrt((group["error"] ** 2).sum()) / len(group),
            "chance": group["chance"].mean(),
            "galaxies": group["galaxies"].sum(),
        }
        for (kind, measure, encoder), group in found.groupby(
            ["kind", "measure", "encoder"], sort=False
        )
    ]
    each = found.assign(label=found["kind"] + " " + found["label"].astype(str))
    both = pd.concat([pd.DataFrame(means), each], ignore_index=True)
    return both.assign(task="similarity", survey=survey)


def _of_searches(task: str, survey: str, found: pd.DataFrame) -> pd.DataFrame:
    names = {"method": "encoder", "metric": "measure", "mean": "value"}
    found = found[~found["metric"].str.startswith("rank_weighted_score")]
    label = task.removeprefix(f"{survey}-")
    return found.rename(columns=names).assign(task="anomalies", survey=survey, label=label)


def _of_heads(label: str, survey: str, found: pd.DataFrame) -> pd.DataFrame:
    """Give the mean accuracy of each size. As many test galaxies have the label as do not."""
    groups = found.groupby(["pretraining", "size"], sort=False)["accuracy"]
    table = groups.agg(value="mean", error=lambda each: each.std(ddof=0)).reset_index()
    names = {"pretraining": "encoder", "size": "labelled"}
    fixed = {"task": "finetuning", "survey": survey, "label": label, "measure": "accuracy"}
    return table.rename(columns=names).assign(**fixed, chance=0.5)


class Mark(NamedTuple):
    """How an encoder is drawn."""

    color: str
    marker: str


def marks(encoders: Sequence[str]) -> dict[str, Mark]:
    """Give each encoder its colour and marker; up to 64 differ."""
    count = len(COLOURS)
    return {
        name: Mark(COLOURS[number % count], MARKERS[(number + number // count) % count])
        for number, name in enumerate(encoders)
    }


def draw_comparison(canvas: Canvas, encoders: Sequence[str]) -> None:
    """Draw the scores of all encoders: a panel for each task, and each label to be learned.

    Of tags and answers only the means are drawn.

    Parameters
    ----------
    canvas
        With source data by `gather_scores`.
    encoders
        Names, in the order of the legend.

    Raises
    ------
    UserError
        If there are no scores.
    """
    panels = list(_panels(canvas.source))
    if not panels:
        raise UserError(f"{canvas.csv}: no scores to draw; too few galaxies have a tag or label")
    drawn = marks(encoders)
    row = max(NAMED, 0.1 + ROW * len(encoders))
    needed = [CURVES if panel.curves else 0.4 + row * len(panel.groups) for panel in panels]
    heights = [max(needed[place : place + 2]) for place in range(0, len(panels), 2)]
    noted = canvas.source.dropna(subset="note").drop_duplicates("encoder")
    notes = [*canvas.survey_notes, *(f"{one.encoder}: {one.note}" for one in noted.itertuples())]
    legend = 0.3 + 0.16 * (1 + len(encoders) // LEGEND)
    size = canvas.width, sum(heights) + legend + 0.11 * len(notes)
    figure = plt.figure(figsize=size, layout="constrained")
    grid = figure.add_gridspec(len(heights), 2, height_ratios=heights)
    for place, panel in enumerate(panels):
        axes = figure.add_subplot(grid[place // 2, place % 2])
        axes.set_title(panel.title, fontsize=8, loc="left")
        (_draw_curve if panel.curves else _draw_rows)(axes, panel, drawn)
    known = [
        plt.Line2D([], [], linestyle="", markersize=4, label=name, **mark._asdict())
        for name, mark in drawn.items()
    ]
    chance = plt.Line2D([], [], color=CHANCE, linewidth=1.5, label="chance")
    figure.legend(
        handles=[*known, chance], frameon=False, fontsize=7, ncols=LEGEND,
        loc="outside upper center",
    )  # fmt: skip
    figure.supxlabel("\n".join(notes), fontsize=6)
    canvas.save(figure)


class Panel(NamedTuple):
    """A panel of the figure."""

    title: str
    groups: dict[str, pd.DataFrame]
    """The scores of all encoders for each row of the panel, by its name."""
    curves: bool = False
    """Whether they are drawn by number of labelled galaxies instead, in one group."""


def _panels(table: pd.DataFrame) -> Iterator[Panel]:
    """List the panels for which there are scores."""
    several = len(table["survey"].unique()) > 1
    for task, title in TITLES.items():
        found = table[table["task"] == task]
        if task == "similarity":
            found = found[found["label"].isin(MEANS.values())]
        groups = {
            _row_name(*place, several): group
            for place, group in found.groupby(["label", "measure", "survey"], sort=False)
        }
        if task == "finetuning":
            yield from (Panel(f"{title}, {name}", {"": one}, True) for name, one in groups.items())
        elif groups:
            yield Panel(title, groups)


def _row_name(label: str, measure: str, survey: str, several: bool) -> str:
    """Name a row of the figure; in two lines if the label has several measures."""
    name = f"{label} ({survey})" if several else label
    kind, _, count = measure.partition("_")
    if kind == "average":
        return f"{name}\naverage precision"
    return f"{name}\nfirst {count}" if kind == "accuracy" and count else name


def _draw_rows(axes: plt.Axes, panel: Panel, encoders: Mapping[str, Mark]) -> None:
    """Draw a row of scores for each label, one encoder below the other."""
    offsets = np.linspace(-0.36, 0.36, len(encoders)) if len(encoders) > 1 else [0.0]
    for number, group in enumerate(panel.groups.values()):
        if number % 2:
            axes.axhspan(number - 0.5, number + 0.5, color="0.96", linewidth=0, zorder=0)
        chance = group["chance"].mean()
        axes.plot([chance] * 2, [number - 0.45, number + 0.45], color=CHANCE, linewidth=1.5)
        scores = group.set_index("encoder")
        for (name, mark), offset in zip(encoders.items(), offsets, strict=True):
            if name in scores.index:
                one = scores.loc[name]
                _mark(axes, [one["value"]], [number + offset], mark, xerr=[_error(one["error"])])
    axes.set_ylim(len(panel.groups) - 0.5, -0.5)
    axes.set_yticks(range(len(panel.groups)), list(panel.groups), fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=7)
    axes.grid(axis="x", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)


def _draw_curve(axes: plt.Axes, panel: Panel, encoders: Mapping[str, Mark]) -> None:
    """Draw accuracy by the number of labelled galaxies, with encoders a little apart."""
    (scores,) = panel.groups.values()
    middle = (len(encoders) - 1) / 2
    for number, (name, mark) in enumerate(encoders.items()):
        one = scores[scores["encoder"] == name]
        apart = one["labelled"].astype(float) * 1.025 ** (number - middle)
        errors = one["error"].map(_error)
        _mark(axes, apart, one["value"], mark, yerr=errors, linewidth=0.8)
    axes.axhline(0.5, color=CHANCE, linewidth=1.5, zorder=0)
    sizes = sorted(scores["labelled"].astype(int).unique())
    axes.set(xscale="log", xlabel="labelled galaxies")
    axes.xaxis.label.set_size(7)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.set_xticks([], minor=True)
    axes.tick_params(labelsize=7)
    axes.grid(axis="y", color="0.9", linewidth=0.5)
    axes.set_axisbelow(True)


def _mark(axes: plt.Axes, x: Any, y: Any, mark: Mark, linewidth: float = 0, **error: Any) -> None:
    axes.errorbar(
        x, y, color=mark.color, marker=mark.marker, markersize=3.5, markeredgewidth=0.3,
        markeredgecolor="black", linewidth=linewidth, elinewidth=0.7, **error,
    )  # fmt: skip


def _error(error: float) -> float:
    """Give an error to draw: none for a single repeat."""
    return 0.0 if pd.isna(error) else error

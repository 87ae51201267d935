"""Figures 7 to 9: test accuracy of fine-tuned models by number of labelled rings (Sec. 4.3)."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from workflow.lib.common.errors import UserError
from workflow.lib.figures.canvas import Canvas, legend_above
from workflow.lib.figures.style import BLACK, LOOKS, Look

NAMES = {
    "all": "All tasks ('Multi')",
    "smooth-or-featured": "Smooth/Featured/Artifact",
    "has-spiral-arms": "Spiral Yes/No",
    "bar": "Bar Strong/Weak/None",
    "bulge-size": "Bulge Size",
    "imagenet": "ImageNet",
    "scratch": "From scratch",
}
"""Names of the pretrainings in the paper's figures; others keep their own name."""

DEPTHS = {"top": "Top", "block6+": "Blocks 6+", "block4+": "Blocks 4+", "all": "All"}
"""The depths that Figure 9 compares, with their names there."""

FROZEN, FINETUNED = "Frozen", "Finetuned"

SPREADS = {"accuracy": "spread", "loss": "loss_spread"}
"""What the panels show, from above, and the columns of its error bars."""

DASHED = (0, (4, 1.5))
"""The line of fine-tuned models in Figure 7; those of frozen encoders are solid there."""

APART = 0.012
"""Distance between the error bars of two lines, so that none hides another [decades]."""


class Line(NamedTuple):
    """A line of a figure: its panel and name, and the models whose mean it shows."""

    panel: str
    label: str
    pretraining: str
    stage: str
    depth: str | None
    """None for models of any depth: as long as the encoder is frozen, depth makes no difference."""


def lines_of(figure: str, models: pd.DataFrame) -> list[Line]:
    """List the lines of a figure for which there are models.

    Parameters
    ----------
    figure
        figure_7, figure_8 or figure_9.
    models
        By `tabulate.tabulate`.
    """
    there = set(models["pretraining"])

    def choose(*pretrainings: str) -> list[str]:
        """Take those of these for which there are models, then those that the paper lacks."""
        return [*(name for name in pretrainings if name in there), *sorted(there - {*NAMES})]

    scratch = [Line("", NAMES["scratch"], "scratch", "scratch", "all")] * ("scratch" in there)
    if figure == "figure_7":
        lines = [
            Line("", f"{NAMES.get(name, name)}, {label}", name, stage, depth)
            for name in choose("all", "smooth-or-featured", "imagenet")
            for label, stage, depth in ((FROZEN, "frozen", None), (FINETUNED, "finetuned", "all"))
        ]
        return lines + scratch
    if figure == "figure_8":
        questions = [name for name in NAMES if name not in ("imagenet", "scratch")]
        lines = [
            Line("", NAMES.get(name, name), name, "finetuned", "all") for name in choose(*questions)
        ]
        return lines + scratch
    return [
        line
        for name in choose("imagenet", "smooth-or-featured", "all")
        for line in (
            Line(NAMES.get(name, name), FROZEN, name, "frozen", None),
            *(
                Line(NAMES.get(name, name), label, name, "finetuned", depth)
                for depth, label in DEPTHS.items()
            ),
        )
    ]


def summarise(lines: Sequence[Line], models: pd.DataFrame) -> pd.DataFrame:
    """Compute each line's points: mean and spread of the accuracy, by number of labelled galaxies.

    Returns
    -------
    pandas.DataFrame
        panel, line, pretraining, stage, depth, size, labelled (mean number of different galaxies
        with the label in the training set), models (their number), accuracy (mean), spread
        (standard deviation of the accuracy), loss (mean), loss_spread, note.
    """
    rows = []
    for line in lines:
        chosen = models[
            (models["pretraining"] == line.pretraining) & (models["stage"] == line.stage)
        ]
        if line.depth is not None:
            chosen = chosen[chosen["depth"] == line.depth]
        for size, group in chosen.groupby("size"):
            rows.append(
                {
                    "panel": line.panel,
                    "line": line.label,
                    "pretraining": line.pretraining,
                    "stage": line.stage,
                    "depth": line.depth or "any",
                    "size": size,
                    # Mean over all models of this size, so that all lines share the same x.
                    "labelled": models.loc[models["size"] == size, "labelled"].mean(),
                    "models": len(group),
                    "accuracy": group["accuracy"].mean(),
                    "spread": group["accuracy"].std(ddof=0),
                    "loss": group["loss"].mean(),
                    "loss_spread": group["loss"].std(ddof=0),
                    "note": group["label"].iloc[0],
                }
            )
    return pd.DataFrame(rows)


def gather_points(models: str | Path, figure: str) -> pd.DataFrame:
    """Compute the points of Figure 7, 8 or 9.

    Parameters
    ----------
    models
        By `tabulate.tabulate`.
    figure
        figure_7, figure_8 or figure_9.

    Returns
    -------
    pandas.DataFrame
        task (the label that is learned), and what `summarise` returns.

    Raises
    ------
    UserError
        If there are no models that the figure shows.
    """
    table = pd.read_csv(models, keep_default_na=False)
    points = summarise(lines_of(figure, table), table)
    if points.empty:
        raise UserError(
            f"{models}: no models for {figure}; add a depth such as 'all' to 'finetune.depths', or "
            "remove the figure from 'figures.show'"
        )
    points.insert(0, "task", table["task"].iloc[0])
    return points


def draw_finetuning(canvas: Canvas) -> None:
    """Draw test accuracy and loss by number of labelled galaxies (Figs. 7, 8, 9).

    Error bars are standard deviations over models. Those of several lines stand side by side.

    Parameters
    ----------
    canvas
        With source data by `gather_points`.
    """
    points = canvas.source.fillna({"panel": ""})
    # A logarithmic axis cannot show 0.
    shown = points[points["labelled"] >= 1]
    panels = list(dict.fromkeys(points["panel"]))
    drawn, grid = canvas.panels(
        2, len(panels), canvas.width * 0.75, width=1 if len(panels) > 1 else 0.7,
        sharex=True, sharey="row",
    )  # fmt: skip
    looks = _looks(points)
    for column, panel in zip(grid.T, panels, strict=True):
        for axes, metric in zip(column, SPREADS, strict=True):
            _draw_lines(axes, shown[shown["panel"] == panel], metric, looks)
        column[0].axhline(0.5, color="0.7", linewidth=0.6, zorder=0)
        column[0].set_title(panel)
        column[1].set(xlabel=f"labelled {points['task'].iloc[0]} galaxies", ylim=(0, None))
    grid[0, 0].set_ylabel("mean test accuracy")
    grid[1, 0].set_ylabel("mean test loss")
    legend_above(drawn, columns=None if len(panels) > 1 else 2)
    canvas.save(drawn)


def _draw_lines(
    axes: plt.Axes, points: pd.DataFrame, metric: str, looks: Mapping[tuple[str, str], Look]
) -> None:
    """Draw the lines of a panel, with error bars side by side."""
    lines = list(points.groupby(["panel", "line"], sort=False))
    for place, (name, line) in enumerate(lines):
        look, aside = looks[name], 10 ** (APART * (place - (len(lines) - 1) / 2))
        axes.errorbar(
            line["labelled"] * aside, line[metric], line[SPREADS[metric]], label=name[1],
            color=look.colour, linestyle=look.dash, marker=look.marker, linewidth=1, elinewidth=0.6,
        )  # fmt: skip
    axes.set(xscale="log")
    # On less than two decades Matplotlib would label every tick, and labels would overlap.
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _looks(points: pd.DataFrame) -> Mapping[tuple[str, str], Look]:
    """Choose looks: one per pretraining in Figures 7 and 8, one per depth in Figure 9."""
    lines = points.drop_duplicates(["panel", "line"])
    in_panels = lines["panel"].any()
    by = "line" if in_panels else "pretraining"
    both_stages = {"frozen", "finetuned"} <= {*lines["stage"]} and not in_panels
    values = [value for value in dict.fromkeys(lines[by]) if value != "scratch"]
    looks = dict(zip(values, cycle(LOOKS), strict=False))
    looks["scratch"] = Look(BLACK, "-", "x")
    found = {}
    for row in lines.itertuples(index=False):
        look = looks[getattr(row, by)]
        if both_stages:  # as in the paper's Figure 7
            look = look._replace(dash=DASHED if row.stage == "finetuned" else "-")
        found[row.panel, row.line] = look
    return found

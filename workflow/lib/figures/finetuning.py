"""Figures 7 to 9: test accuracy of fine-tuned models by number of labelled rings (Sec. 4.3)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

from workflow.lib.common.errors import UserError
from workflow.lib.figures.canvas import Canvas

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
        (standard deviation of the accuracy), loss (mean).
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
                }
            )
    return pd.DataFrame(rows)


def draw_finetuning(models: str | Path, figure: str, canvas: Canvas) -> None:
    """Draw test accuracy by number of labelled galaxies (Figs. 7, 8, 9).

    Parameters
    ----------
    models
        By `tabulate.tabulate`.
    figure
        figure_7, figure_8 or figure_9.
    canvas
        Its CSV gets what `summarise` returns. The labels of the encoders shown are added to its
        notes.

    Raises
    ------
    UserError
        If there are no models that the figure shows.
    """
    table = pd.read_csv(models, keep_default_na=False)
    task = table["task"].iloc[0]
    points = summarise(lines_of(figure, table), table)
    if points.empty:
        raise UserError(
            f"{models}: no models for {figure}; add a depth such as 'all' to 'finetune.depths', or "
            "remove the figure from 'figures.show'"
        )
    # A logarithmic axis cannot show 0.
    shown = points[points["labelled"] >= 1]
    panels = list(dict.fromkeys(points["panel"]))
    size = (canvas.width * (1 if len(panels) > 1 else 0.65), canvas.width * 0.42)
    drawn, grid = plt.subplots(
        1, len(panels), figsize=size, sharey=True, squeeze=False, layout="constrained"
    )
    colours = _colours(points)
    for axes, panel in zip(grid[0], panels, strict=True):
        for label, line in shown[shown["panel"] == panel].groupby("line", sort=False):
            axes.errorbar(
                line["labelled"], line["accuracy"], line["spread"], label=label,
                color=colours[panel, label], linestyle=_style(label, panel),
                marker=".", markersize=4, linewidth=1, capsize=2, elinewidth=0.6,
            )  # fmt: skip
        axes.axhline(0.5, color="0.8", linewidth=0.6, zorder=0)
        axes.set(xscale="log", xlabel=f"labelled {task} galaxies")
        # On less than two decades Matplotlib would label every tick, and labels would overlap.
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())
        # Above the panel, where it cannot cover points.
        axes.legend(
            title=panel, alignment="left", frameon=False, fontsize=6, ncols=1 if panel else 2,
            loc="lower left", bbox_to_anchor=(0, 1),
        )  # fmt: skip
    grid[0][0].set_ylabel("mean test accuracy")
    drawn_of = table["pretraining"].isin(points["pretraining"])
    labels = sorted(set(table.loc[drawn_of, "label"]) - {""})
    drawn.supxlabel("\n".join([*canvas.notes, *labels]), fontsize=6)
    canvas.save(drawn, points, "%.5g")


def _colours(points: pd.DataFrame) -> Mapping[tuple[str, str], str]:
    """Choose colours: one per pretraining in Figures 7 and 8, one per depth in Figure 9."""
    lines = points.drop_duplicates(["panel", "line"])
    by = "line" if lines["panel"].any() else "pretraining"
    places = {value: place for place, value in enumerate(dict.fromkeys(lines[by]))}
    return {
        (row.panel, row.line): f"C{places[getattr(row, by)]}"
        for row in lines.itertuples(index=False)
    }


def _style(label: str, panel: str) -> str:
    """Give the line's style: as in the paper's Figure 7, fine-tuned models are dashed there."""
    return "--" if label.endswith(FINETUNED) and not panel else "-"

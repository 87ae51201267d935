"""The share of the variance that the first principal components keep (paper Sec. 2.3, 2.4)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from workflow.lib.figures.canvas import Canvas


def draw_variance(variances: Mapping[str, Sequence[str | Path]], canvas: Canvas) -> None:
    """Draw the share of the variance that the first components keep, a line for each survey.

    Parameters
    ----------
    variances
        For each survey, the tables written by `pca.compress`, one for each number of components.
        The line is from the fit with the most components; each point is the end of one fit.
    canvas
        Its CSV gets survey, fitted (components of the fit), component, cumulative.
    """
    tables = [
        pd.read_csv(path).assign(survey=survey, fitted=lambda table: len(table))
        for survey, paths in variances.items()
        for path in paths
    ]
    table = pd.concat(tables)[["survey", "fitted", "component", "cumulative"]]
    size = (canvas.width / 2, canvas.width / 2.6)
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    for survey, rows in table.groupby("survey", sort=False):
        longest = rows[rows["fitted"] == rows["fitted"].max()]
        ends = rows[rows["component"] == rows["fitted"]]
        kept = ", ".join(f"{end.component}: {end.cumulative:.1%}" for end in ends.itertuples())
        (line,) = axes.plot(longest["component"], longest["cumulative"], label=f"{survey} ({kept})")
        axes.plot(ends["component"], ends["cumulative"], "o", color=line.get_color(), ms=3)
    axes.set(xlabel="principal components", ylabel="cumulative explained variance", ylim=(None, 1))
    axes.legend(frameon=False, loc="lower right", fontsize=6, handlelength=1)
    axes.set_title("\n".join(canvas.notes), fontsize=6)
    canvas.save(figure, table, "%.6f")

"""The share of the variance that the first principal components keep (paper Sec. 2.3, 2.4)."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import pandas as pd

from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.style import LOOKS


def gather_variance(variances: Mapping[str, Sequence[str | Path]]) -> pd.DataFrame:
    """Gather the share of the variance that the first components keep, by all fits.

    Parameters
    ----------
    variances
        For each survey, the tables written by `pca.compress`, one for each number of components.

    Returns
    -------
    pandas.DataFrame
        survey, fitted (components of the fit), component, cumulative.
    """
    tables = [
        pd.read_csv(path).assign(survey=survey, fitted=lambda table: len(table))
        for survey, paths in variances.items()
        for path in paths
    ]
    return pd.concat(tables)[["survey", "fitted", "component", "cumulative"]]


def draw_variance(canvas: Canvas) -> None:
    """Draw the share of the variance that the first components keep, a line for each survey.

    The line is from the fit with the most components; each point is the end of one fit.

    Parameters
    ----------
    canvas
        With source data by `gather_variance`.
    """
    figure, ((axes,),) = canvas.panels(1, 1, canvas.width / 2.4, width=0.6)
    surveys = canvas.source.groupby("survey", sort=False)
    for (survey, rows), look in zip(surveys, cycle(LOOKS), strict=False):
        longest = rows[rows["fitted"] == rows["fitted"].max()]
        ends = rows[rows["component"] == rows["fitted"]]
        kept = ", ".join(f"{end.component}: {percent(end.cumulative)}" for end in ends.itertuples())
        axes.plot(
            longest["component"], longest["cumulative"], color=look.colour, linestyle=look.dash,
            marker=look.marker, markevery=(ends["component"] - 1).tolist(),
            label=f"{survey} ({kept})",
        )  # fmt: skip
    axes.set(
        xlabel="principal components",
        ylabel="cumulative explained variance",
        xlim=(0, None),
        ylim=(0, 1.05),
    )
    axes.legend(loc="lower right")
    canvas.save(figure)


def percent(share: float) -> str:
    """Write a share as a percentage that is not 100% unless all is kept.

    Examples
    --------
    >>> percent(0.84), percent(0.99961), percent(1.0)
    ('84.0%', '99.96%', '100%')
    """
    if share >= 1:
        return "100%"
    digits = 1
    while round(100 * share, digits) >= 100:
        digits += 1
    return f"{100 * share:.{digits}f}%"

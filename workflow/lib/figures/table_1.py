"""Table 1: how well each method found the anomalies of each task (paper Sec. 3.3).

Written without pandas' Styler, which draws lines between tasks only if their names are merged
cells, and needs as much code for bold values and failures; see also `html`.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

import pandas as pd

from workflow.lib.common.files import write_text
from workflow.lib.figures.canvas import label_of
from workflow.lib.figures.html import Cell, html_table, write_page
from workflow.lib.figures.style import METHODS


def tabulate_scores(
    scores: Mapping[str, str | Path],
    description: str | Path,
    *,
    surveys: Sequence[str],
    tops: Sequence[int],
    survey_notes: Sequence[str],
    title: str = "Table 1",
    with_counts: bool = False,
    csv: str | Path,
    tex: str | Path,
    html: str | Path,
) -> None:
    """Write the scores of all tasks as one table.

    Parameters
    ----------
    scores
        For each task, the CSV by `scores.score_repeats`.
    description
        The `encoder.json` of the encoder; its label, if any, is written under the table.
    surveys
        The survey of each task, in the order of `scores`.
    tops
        Values of N for the accuracy of the first N galaxies.
    survey_notes
        What the reader must know about the galaxies, such as that they are simulated.
    title
        Title of the web page.
    with_counts
        Whether LaTeX and HTML have the number of anomalies and galaxies of each task too.
    csv
        CSV to write, a row for each task and method: dataset, anomaly, method, each metric with
        its error and chance, failed (by `has_failed`), repeats, galaxies, anomalies.
    tex
        LaTeX to write, as in the paper: methods have its names, the best values of each task are
        bold, and methods that failed have no values.
    html
        Web page to write, with the same table.
    """
    rows = []
    for (task, path), survey in zip(scores.items(), surveys, strict=True):
        for method, found in pd.read_csv(path).groupby("method", sort=False):
            rows.append(_row(task, survey, str(method), found.set_index("metric"), tops))
    table = pd.DataFrame(rows)
    write_text(table.to_csv(index=False, float_format="%.4f"), csv)
    head, groups = _head(tops, with_counts), _groups(table, tops, with_counts)
    notes = [*survey_notes, *filter(None, [label_of(description)])]
    write_text(_latex(head, groups, notes), tex)
    under = [f"<p>{escape(note)}</p>" for note in notes]
    write_page(title, [html_table(head, groups), *under], html)


def _row(
    task: str, survey: str, method: str, found: pd.DataFrame, tops: Sequence[int]
) -> dict[str, object]:
    precision = found.loc["average_precision"]
    row: dict[str, object] = {
        "dataset": survey,
        "anomaly": task.removeprefix(f"{survey}-"),
        "method": method,
    }
    for metric in ["average_precision", *(f"accuracy_{top}" for top in tops)]:
        known = metric in found.index
        row[metric] = found.loc[metric, "mean"] if known else None
        row[f"{metric}_error"] = found.loc[metric, "error"] if known else None
        row[f"{metric}_chance"] = found.loc[metric, "chance"] if known else None
    row["failed"] = has_failed(found.filter(regex="^accuracy_", axis="index"))
    return row | {name: int(precision[name]) for name in ("repeats", "galaxies", "anomalies")}


def has_failed(accuracies: pd.DataFrame) -> bool:
    """Tell whether a method found no more anomalies than chance does.

    Accuracy decides, as in the paper's Table 1: with the authors' errors, the average precision of
    their failed methods is well above chance, their accuracy is not.

    Parameters
    ----------
    accuracies
        The accuracy of the first N galaxies, a row for each N: mean, error (missing counts as 0),
        chance.

    Returns
    -------
    bool
        Whether there are accuracies, and none of them exceeds chance by more than its error.
    """
    least = accuracies["mean"] - accuracies["error"].fillna(0)
    return bool(len(least) and (least <= accuracies["chance"]).all())


def _head(tops: Sequence[int], with_counts: bool) -> list[str]:
    accuracies = [f"Accuracy (top {top})" for top in tops]
    counted = ["Anomalies"] if with_counts else []
    return ["Dataset", "Anomaly", "Method", *counted, "Average Precision", *accuracies]


def _groups(table: pd.DataFrame, tops: Sequence[int], with_counts: bool) -> list[list[list[Cell]]]:
    """Format each task's rows for the reader: one group per task."""
    metrics = ["average_precision", *(f"accuracy_{top}" for top in tops)]
    names = ["dataset", "anomaly", "method", *(["counted"] if with_counts else [])]
    pairs = zip(table["anomalies"], table["galaxies"], strict=True)
    table = table.assign(
        method=[METHODS.get(method, method) for method in table["method"]],
        counted=[f"{found:,} of {among:,}" for found, among in pairs],
    )
    return [
        [
            [*(Cell(row[name]) for name in names), *(_cell(row, rows, name) for name in metrics)]
            for _, row in rows.iterrows()
        ]
        for _, rows in table.groupby(["dataset", "anomaly"], sort=False)
    ]


def _cell(row: pd.Series, rows: pd.DataFrame, metric: str) -> Cell:
    mean, error = row[metric], row[f"{metric}_error"]
    if pd.isna(mean):
        return Cell("--")
    if row["failed"]:
        return Cell("Failed")
    share = metric.startswith("accuracy")
    text = f"{100 * mean:.1f}%" if share else f"{mean:.2f}"
    if error > 0:
        text += f" ± {100 * error:.1f}%" if share else f" ± {error:.2f}"
    return Cell(text, best=mean == rows[metric].max())


def _latex(
    head: Sequence[str], groups: Sequence[Sequence[Sequence[Cell]]], notes: Sequence[str]
) -> str:
    lines = [r"\begin{tabular}{lll" + "r" * (len(head) - 3) + "}", r"\hline", _latex_row(head)]
    for rows in groups:
        lines.append(r"\hline")
        lines += [_latex_row(map(_latex_text, row)) for row in rows]
    lines += [r"\hline", r"\end{tabular}", *(f"% {note}" for note in notes)]
    return "\n".join(lines) + "\n"


def _latex_row(texts: Iterable[str]) -> str:
    return " & ".join(texts) + r" \\"


def _latex_text(cell: Cell) -> str:
    text = cell.text.replace("%", r"\%").replace("±", r"$\pm$")
    return rf"\textbf{{{text}}}" if cell.best else text

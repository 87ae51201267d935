"""Table 1: how well each method found the anomalies of each task (paper Sec. 3.3)."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from workflow.lib.figures import notes_on
from workflow.lib.files import write_text


def tabulate_scores(
    scores: Mapping[str, str | Path],
    description: str | Path,
    *,
    surveys: Sequence[str],
    tops: Sequence[int],
    survey_note: str,
    csv: str | Path,
    tex: str | Path,
) -> None:
    """Write the scores of all tasks as one table.

    Parameters
    ----------
    scores
        For each task the table by `anomalies.score_repeats`.
    description
        The `encoder.json` of the encoder; its label, if any, is written under the LaTeX table.
    surveys
        Of each task.
    tops
        N for which the accuracy is given.
    survey_note
        What the reader must know of the galaxies, such as that they are simulated; may be empty.
    csv
        To write, a row a task and method: dataset, anomaly, method, each metric with its error,
        chance, failed (its average precision is within its error of chance), repeats, galaxies,
        anomalies.
    tex
        The same as LaTeX, as in the paper: the best of a task's values bold, failures as such.
    """
    rows = []
    for (task, path), survey in zip(scores.items(), surveys, strict=True):
        for method, found in pd.read_csv(path).groupby("method", sort=False):
            rows.append(_row(task, survey, str(method), found.set_index("metric"), tops))
    table = pd.DataFrame(rows)
    write_text(table.to_csv(index=False, float_format="%.4f"), csv)
    write_text(_latex(table, tops, notes_on(survey_note, description)), tex)


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
    row["chance"] = precision["chance"]
    row["failed"] = bool(precision["mean"] - precision["error"] <= precision["chance"])
    return row | {name: int(precision[name]) for name in ("repeats", "galaxies", "anomalies")}


def _latex(table: pd.DataFrame, tops: Sequence[int], notes: Sequence[str]) -> str:
    metrics = {"average_precision": "Average Precision"}
    metrics |= {f"accuracy_{top}": f"Accuracy (top {top})" for top in tops}
    lines = [
        r"\begin{tabular}{lll" + "r" * len(metrics) + "}",
        r"\hline",
        " & ".join(["Dataset", "Anomaly", "Method", *metrics.values()]) + r" \\",
    ]
    for _, rows in table.groupby(["dataset", "anomaly"], sort=False):
        lines.append(r"\hline")
        for _, row in rows.iterrows():
            cells = [_cell(row, rows, metric) for metric in metrics]
            lines.append(
                " & ".join([row["dataset"], row["anomaly"], row["method"], *cells]) + r" \\"
            )
    lines += [r"\hline", r"\end{tabular}", *(f"% {note}" for note in notes)]
    return "\n".join(lines) + "\n"


def _cell(row: pd.Series, rows: pd.DataFrame, metric: str) -> str:
    mean, error = row[metric], row[f"{metric}_error"]
    if pd.isna(mean):
        return "--"
    if row["failed"]:
        return "Failed"
    share = metric.startswith("accuracy")
    text = rf"{100 * mean:.1f}\%" if share else f"{mean:.2f}"
    if error > 0:
        text += rf" $\pm$ {100 * error:.1f}\%" if share else rf" $\pm$ {error:.2f}"
    return rf"\textbf{{{text}}}" if mean == rows[metric].max() else text

"""What `make toy` prints at the end: the figures, the main comparisons, and the paper's claims."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from workflow.lib.common.checksums import check
from workflow.lib.common.errors import UserError
from workflow.lib.planning.config import read_config


def summary(results: str | Path) -> str:
    """Describe the results of a run as plain text; say where a result is missing.

    Parameters
    ----------
    results
        The folder of results.
    """
    results = Path(results)
    parts = [
        "Figures (each also as .pdf and, with its data, as .csv):\n" + _figures(results),
        _part(
            "Rare galaxies: average precision, and that of chance (Table 1)",
            results,
            "8_figures/table_1.csv",
            precision_of_methods,
        ),
        _part(
            "New label: accuracy with the most labelled galaxies (as in Figure 7)",
            results,
            "7_finetune/*/models.csv",
            accuracy_by_pretraining,
        ),
        _part(
            "Linear probes: area under the ROC curve (0.5 is chance)",
            results,
            "4_represent/*/probe.csv",
            area_of_probes,
        ),
        _claims(results / "9_claims/summary.txt"),
    ]
    return "\n\n".join(parts)


def precision_of_methods(scores: pd.DataFrame) -> list[list[str]]:
    """Give a row for each task and method of Table 1, with the error given there."""
    rows = [
        [
            f"{row['dataset']} {row['anomaly']}",
            row["method"],
            _with_error(row["average_precision"], row["average_precision_error"]),
            f"{row['average_precision_chance']:.2f}",
            str(row["repeats"]),
        ]
        for _, row in scores.iterrows()
    ]
    return [["task", "method", "precision", "chance", "repeats"], *rows]


def accuracy_by_pretraining(models: pd.DataFrame) -> list[list[str]]:
    """Give the mean accuracy of the repeats at the largest size, with its standard error.

    Frozen models of any depth count, since depth makes no difference to them; others only if the
    whole encoder was trained.
    """
    largest = models[models["size"] == models["size"].max()]
    shown = largest[(largest["stage"] == "frozen") | (largest["depth"] == "all")]
    rows = []
    for (pretraining, stage), found in shown.groupby(["pretraining", "stage"], sort=False):
        # Frozen models of one repeat differ in nothing: they count once.
        each = found.drop_duplicates("repeat")["accuracy"]
        error = each.std() / len(each) ** 0.5
        rows.append([str(pretraining), str(stage), _with_error(each.mean(), error), str(len(each))])
    size = str(models["size"].max())
    return [["pretraining", "stage", f"accuracy ({size} galaxies)", "repeats"], *rows]


def area_of_probes(probes: pd.DataFrame) -> list[list[str]]:
    """Give a row for each label and pretraining."""
    rows = [
        [
            row["label"],
            row["pretraining"],
            _with_error(row["auc"], row["auc_error"]),
            f"{row['galaxies']} ({row['positives']})",
        ]
        for _, row in probes.iterrows()
    ]
    return [["label", "pretraining", "area", "galaxies (with the label)"], *rows]


def _figures(results: Path) -> str:
    paths = sorted((results / "8_figures").glob("figure_*.png"))
    return "\n".join(f"  {path}" for path in paths) or f"  none in {results / '8_figures'}"


def _claims(path: Path) -> str:
    return path.read_text().rstrip() if path.exists() else f"Claims:\n  missing: there is no {path}"


def _part(
    heading: str,
    results: Path,
    pattern: str,
    rows_of: Callable[[pd.DataFrame], list[list[str]]],
) -> str:
    paths = sorted(results.glob(pattern))
    if not paths:
        return f"{heading}:\n  missing: there is no {results / pattern}"
    try:
        for path in paths:
            check(path)
    except UserError as error:
        return f"{heading}:\n  {error}"
    return "\n".join([f"{heading}:", *(_columns(rows_of(pd.read_csv(path))) for path in paths)])


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _with_error(mean: float, error: float) -> str:
    if pd.isna(mean):
        return "unknown"
    return f"{mean:.2f} ± " + ("unknown" if pd.isna(error) else f"{error:.2f}")


def main() -> None:
    """Print the summary of the results of a configuration file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configfile", default="config/toy.yaml", type=Path)
    config = read_config([parser.parse_args().configfile])
    print(summary(config["pathvars"]["results"]))


if __name__ == "__main__":
    main()

"""What `make toy` prints at the end."""

import pandas as pd
import pytest

from workflow.console.summary import summary


@pytest.fixture
def results(tmp_path):
    """A folder of results with one of each that the summary shows."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    write(
        "8_figures/table_1.csv",
        "dataset,anomaly,method,average_precision,average_precision_error,average_precision_chance,repeats\n"
        "gz2,odd,cnn-gp,0.5128,0.0669,0.0640,2\n",
    )
    models = pd.DataFrame(
        [
            ("all", depth, stage, 8, repeat, accuracy)
            for repeat, accuracy in enumerate([0.7, 0.8])
            for depth, stage in [("top", "frozen"), ("all", "frozen"), ("all", "finetuned")]
        ]
        + [("all", "top", "finetuned", 8, 0, 0.1), ("all", "all", "finetuned", 4, 0, 0.2)]
        + [("scratch", "all", "scratch", 8, 0, 0.6)],
        columns=["pretraining", "depth", "stage", "size", "repeat", "accuracy"],
    )
    write("7_finetune/ring/models.csv", models.to_csv(index=False))
    write(
        "4_represent/decals/probe.csv",
        "pretraining,label,galaxies,positives,auc,auc_error\nall,ring,200,20,0.84,0.04\n",
    )
    write("8_figures/figure_1.png", "")
    write("9_claims/summary.txt", "The paper's claims:\n  numbers: 1 agrees\n")
    return tmp_path


def lines_of(text):
    """Give the lines with single spaces."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_results_are_shown_with_their_errors(results):
    shown = lines_of(summary(results))
    assert str(results / "8_figures/figure_1.png") in shown
    assert "gz2 odd cnn-gp 0.51 ± 0.07 0.06 2" in shown
    # The standard error of 0.7 and 0.8; frozen models of two depths are the same models.
    assert "all frozen 0.75 ± 0.05 2" in shown
    assert "all finetuned 0.75 ± 0.05 2" in shown
    assert "ring all 0.84 ± 0.04 200 (20)" in shown
    assert shown[-2:] == ["The paper's claims:", "numbers: 1 agrees"]


def test_the_error_of_one_repeat_is_unknown(results):
    assert "scratch scratch 0.60 ± unknown 1" in lines_of(summary(results))


def test_a_missing_result_is_named(results):
    (results / "8_figures/table_1.csv").unlink()
    text = summary(results)
    assert f"missing: there is no {results / '8_figures/table_1.csv'}" in text
    assert "New label" in text
    assert f"none in {results / 'nowhere/8_figures'}" in summary(results / "nowhere")

"""The rehearsal, with few galaxies; and that it has the paper's numbers at its real size."""

import pandas as pd
import pytest

from benchmarks.rehearsal.galaxies import ATLAS, GROUPS, expected, size

ANOMALIES = ("ring", "irregular", "merger")


def test_the_galaxies_are_as_many_as_in_the_paper():
    """Sec. 2.1, 3.3 and 4.2; of anomalies as many as the authors' code has."""
    numbers = expected(1)
    assert ATLAS == 641_409
    assert sum(map(size, GROUPS)) == 313_789
    assert sum(size(group) for group in GROUPS if group.votes) == 253_286
    assert numbers["catalogue"] == 305_657
    assert numbers["decals-ring"] == numbers["decals-irregular"] == 40_921
    assert numbers["decals-ring-unfiltered"] == 58_982
    assert numbers["decals-merger-unfiltered"] == 56_828
    found = [numbers[f"decals-{name}-unfiltered anomalies"] for name in ANOMALIES]
    assert found == [904, 902, 814]
    assert (numbers["gz2-odd"], numbers["gz2-odd anomalies"]) == (59_727, 835)
    assert (numbers["label rings"], numbers["label others"]) == (9_947, 50_855)
    assert numbers["label candidates"] == 82_898
    assert (numbers["rings learned from"], numbers["training set"]) == (6_962, 69_620)


@pytest.mark.parametrize("name", ANOMALIES)
def test_of_each_sample_1_5_percent_are_anomalies(name):
    numbers = expected(1)
    for sample in [f"decals-{name}", f"decals-{name}-unfiltered"]:
        share = numbers[f"{sample} anomalies"] / numbers[sample]
        assert share == pytest.approx(0.015, abs=0.001)


@pytest.mark.hours
def test_a_two_hundredth_of_the_galaxies_goes_through_all_stages(bare):
    """It stops with an error where a number of galaxies, runs or models is not as expected."""
    small = "--scale 0.005 --configfile benchmarks/rehearsal/small.yaml"
    output = bare.sh(f"python -m benchmarks.rehearsal all-stages {small} --cores 2")
    assert "As in the paper: " in output
    project = bare.folder / "all-stages"
    assert len(list((project / "results/8_figures").glob("figure_*.pdf"))) == 12
    rows = [line.split("|")[2:4] for line in output.splitlines() if line.startswith("| ")]
    jobs = {name.strip(): number.strip() for name, number in rows}
    assert jobs["`hunt_anomalies`"] == "18"
    assert jobs["finetune_encoder (stand-in)"] == "25"
    kept = pd.read_csv(next(project.glob("results/4_represent/decals/*/pca40.variance.csv")))
    assert kept["cumulative"][9] == pytest.approx(0.84, abs=0.03)
    assert kept["cumulative"][39] == pytest.approx(0.981, abs=0.01)

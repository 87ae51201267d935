"""Probes find classes that are linear in the representation, and refuse unknown training sets."""

import numpy as np
import pandas as pd
import pytest

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import write_json
from workflow.lib.common.tables import write_parquet
from workflow.lib.network.encoder import DESCRIPTION_KEYS
from workflow.lib.pretrain.votes import split_names
from workflow.lib.represent.probe import auc_error, cross_validated_auc, probe
from workflow.lib.represent.vector_files import (
    read_representation,
    representation_schema,
    representation_table,
)


@pytest.mark.thorough
def test_a_probe_finds_a_linear_class_and_nothing_in_noise():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(600, 8))
    truth = vectors[:, 0] + 0.1 * rng.normal(size=600) > 1
    scored = np.arange(600) < 300
    assert cross_validated_auc(vectors, truth, scored, 5, 2, 1) > 0.97
    noise = rng.permutation(truth)
    assert 0.35 < cross_validated_auc(vectors, noise, scored, 5, 2, 1) < 0.65


def test_an_encoder_with_unknown_training_galaxies_is_not_probed(tmp_path):
    names = [f"J{number}" for number in range(20)]
    vectors = np.zeros((20, 3), np.float32)
    table = representation_table(names, vectors, representation_schema(3))
    write_parquet(table, tmp_path / "representation.parquet")
    rings = pd.DataFrame({"iauname": names, "ring": np.arange(20) / 20})
    rings.to_parquet(tmp_path / "catalogue.parquet")
    known = dict.fromkeys(DESCRIPTION_KEYS) | {"training": {"survey": "decals", "split": None}}
    write_json(known, tmp_path / "encoder.json")
    with pytest.raises(UserError, match=r"leave 'zoobot' out of 'probe\.pretrainings'"):
        probe(
            {"zoobot": tmp_path / "representation.parquet"},
            {"zoobot": tmp_path / "encoder.json"},
            tmp_path / "catalogue.parquet",
            "decals",
            {"ring": {"column": "ring", "above": 0.5, "below": 0.4}},
            folds=2,
            repeats=1,
            seed=1,
            table=tmp_path / "probe.csv",
        )


@pytest.fixture
def survey(tmp_path):
    """Four hundred galaxies, their representations by two encoders, one trained on some of them."""
    rng = np.random.default_rng(1)
    names = [f"J{number:03d}" for number in range(400)]
    vectors = rng.normal(size=(400, 4)).astype(np.float32)
    featured = vectors[:, 1] > -1
    ring = (vectors[:, 0] > 0.5).astype(float)
    ring[5] = np.nan
    table = pd.DataFrame({"iauname": names, "ring": ring, "featured": featured})
    table.astype({"featured": float}).to_parquet(tmp_path / "catalogue.parquet")
    split = {"validation_share": 0.2, "test_share": 0.5, "seed": 1}
    for name, training in {
        "random": None,
        "all": {"survey": "decals", "split": split},
    }.items():
        (tmp_path / name).mkdir()
        written = representation_table(names, vectors, representation_schema(4))
        write_parquet(written, tmp_path / name / "representation.parquet")
        known = dict.fromkeys(DESCRIPTION_KEYS) | {"training": training}
        write_json(known, tmp_path / name / "encoder.json")
    return tmp_path, (split_names(names, **split) == "test"), table


def probed(folder, rule):
    encoders = ["random", "all"]
    probe(
        {name: folder / name / "representation.parquet" for name in encoders},
        {name: folder / name / "encoder.json" for name in encoders},
        folder / "catalogue.parquet",
        "decals",
        {"ring": {"column": "ring", "above": 0.5, "below": 0.4, **rule}},
        folds=2,
        repeats=1,
        seed=1,
        table=folder / "probe.csv",
    )
    return pd.read_csv(folder / "probe.csv").set_index("pretraining")


def test_all_encoders_are_scored_on_the_galaxies_that_none_was_trained_on(survey):
    folder, held_out, table = survey
    found = probed(folder, {})
    known = table["ring"].notna() & held_out
    assert (found["galaxies"] == known.sum()).all()
    assert (found["positives"] == (table["ring"][known] > 0.5).sum()).all()
    # The same vectors, so the same score.
    assert found.loc["random", "auc"] == found.loc["all", "auc"] > 0.95


def test_only_galaxies_that_pass_a_labels_cuts_are_used(survey):
    folder, held_out, table = survey
    found = probed(folder, {"cuts": {"featured": {"above": 0.5}}})
    known = table["ring"].notna() & held_out & table["featured"]
    assert (found["galaxies"] == known.sum()).all()
    with pytest.raises(UserError, match="no column 'smooth'"):
        probed(folder, {"cuts": {"smooth": {"below": 0.25}}})


def test_too_few_galaxies_with_the_label_are_refused(survey):
    folder, _, _ = survey
    with pytest.raises(UserError, match="too few to probe for 'ring'"):
        probed(folder, {"above": 2.0})


def test_the_error_of_an_area_is_hanley_and_mcneils():
    # Their Table I: 51 positives, 58 negatives, area 0.893, standard error 0.032.
    assert auc_error(0.893, 51, 58) == pytest.approx(0.032, abs=0.0008)


def test_a_value_that_is_no_label_is_refused(survey):
    folder, _, table = survey
    wrong = table.astype({"featured": float})
    wrong.loc[4, "ring"] = -1
    wrong.to_parquet(folder / "catalogue.parquet")
    with pytest.raises(UserError, match=r"'ring' is -1 for galaxy J\d+, row 5"):
        probed(folder, {})


def test_files_of_different_galaxies_are_refused(survey):
    folder, _, table = survey
    table.iloc[1:].to_parquet(folder / "catalogue.parquet")
    with pytest.raises(UserError, match=r"catalogue\.parquet: no galaxy J000"):
        probed(folder, {})
    others = [f"K{number}" for number in range(400)]
    written = representation_table(others, np.zeros((400, 4)), representation_schema(4))
    write_parquet(written, folder / "all/representation.parquet")
    with pytest.raises(UserError, match=r"all/representation\.parquet: no galaxy is in all"):
        probed(folder, {})


def test_encoders_are_compared_on_the_galaxies_that_all_represent(survey):
    """A table of representations may lack some, and have them in another order."""
    folder, held_out, table = survey
    names, vectors = read_representation(folder / "random/representation.parquet")
    some = slice(399, 99, -1)
    written = representation_table(names[some], vectors[some], representation_schema(4))
    write_parquet(written, folder / "random/representation.parquet")
    found = probed(folder, {})
    known = (table["ring"].notna() & held_out)[100:]
    assert (found["galaxies"] == known.sum()).all()
    assert found.loc["random", "auc"] == found.loc["all", "auc"] > 0.95

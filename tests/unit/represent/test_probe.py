"""Probes find classes that are linear in the representation, and refuse unknown training sets."""

import numpy as np
import pandas as pd
import pytest

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import write_json
from workflow.lib.common.tables import write_parquet
from workflow.lib.network.encoder import DESCRIPTION_KEYS
from workflow.lib.represent.probe import auc_error, cross_validated_auc, probe
from workflow.lib.represent.vector_files import representation_schema, representation_table


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
    weights = tmp_path / "encoder.weights.h5"
    weights.touch()
    known = dict.fromkeys(DESCRIPTION_KEYS) | {"training": {"survey": "decals", "split": None}}
    write_json(known, tmp_path / "encoder.json")
    with pytest.raises(UserError, match=r"leave 'zoobot' out of 'probe\.pretrainings'"):
        probe(
            {"zoobot": tmp_path / "representation.parquet"},
            {"zoobot": weights},
            tmp_path / "catalogue.parquet",
            "decals",
            {"ring": {"column": "ring", "above": 0.5, "below": 0.4}},
            folds=2,
            repeats=1,
            seed=1,
            table=tmp_path / "probe.csv",
        )


def test_the_error_of_an_area_is_hanley_and_mcneils():
    # Their Table I: 51 positives, 58 negatives, area 0.893, standard error 0.032.
    assert auc_error(0.893, 51, 58) == pytest.approx(0.032, abs=0.0008)

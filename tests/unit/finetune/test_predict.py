"""Predictions of a kept classifier for a survey."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workflow.lib.finetune.predict import predict_labels

pytestmark = pytest.mark.thorough


def test_predictions_have_each_galaxy_of_the_survey_and_its_set(folder, kept, tmp_path):
    files, _ = kept
    images = np.load(folder / "images.npy")[:, :, :, 0]
    names = [f"J{number}" for number in range(60)]
    fields = {"iauname": pa.string(), "grey": pa.binary(1600)}
    schema = pa.schema(fields, metadata={"network_size": "40", "network_field": "1"})
    greys = [image.tobytes() for image in images]
    pq.write_table(pa.Table.from_pydict({"iauname": names, "grey": greys}, schema), tmp_path / "s")
    options = {"crop_size": 32, "batch_size": 16, "seed": 1, "views": 1}
    for same in (True, False):
        predict_labels([tmp_path / "s"], files, tmp_path / "p.parquet", same_survey=same, **options)
        table = pd.read_parquet(tmp_path / "p.parquet")
        assert table["iauname"].tolist() == names
        assert ((table["probability"] > 0.5) == (np.arange(60) % 3 == 0)).mean() > 0.8
        sets = {"train", "validation", "test", "unseen"} if same else {"unseen"}
        assert set(table["set"]) == sets

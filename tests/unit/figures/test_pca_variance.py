"""The variance that the components keep: the figure's source data."""

import json

import numpy as np
import pandas as pd
import pytest

from workflow.lib.figures.canvas import Canvas
from workflow.lib.figures.pca_variance import draw_variance, gather_variance


def test_the_source_data_is_the_variance_that_the_fits_kept(tmp_path):
    (tmp_path / "encoder.json").write_text(json.dumps({"label": ""}))
    tables = {}
    for survey, fall in {"decals": 0.5, "gz2": 0.8}.items():
        tables[survey] = []
        for components in (2, 4):
            ratio = (1 - fall) * fall ** np.arange(components)
            path = tmp_path / f"{survey}{components}.csv"
            pd.DataFrame(
                {
                    "component": np.arange(1, components + 1),
                    "explained_variance_ratio": ratio,
                    "cumulative": ratio.cumsum(),
                }
            ).to_csv(path, index=False)
            tables[survey].append(path)
    for name in ("first", "second"):
        files = [tmp_path / f"{name}.{ending}" for ending in ("pdf", "png", "csv")]
        canvas = Canvas(6.97, 50, [], *files)
        canvas.write_source(gather_variance(tables), tmp_path / "encoder.json")
        draw_variance(canvas)
    for ending in ("pdf", "png", "csv"):
        first, second = (tmp_path / f"{name}.{ending}" for name in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
    kept = pd.read_csv(tmp_path / "first.csv").set_index(["survey", "fitted", "component"])
    assert len(kept) == 12
    assert kept.loc[("decals", 4, 4), "cumulative"] == pytest.approx(1 - 0.5**4)
    assert kept.loc[("gz2", 2, 2), "cumulative"] == pytest.approx(1 - 0.8**2)

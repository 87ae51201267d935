"""A folder of results, of which claims are made, and the paper's claims about them."""

import json

import numpy as np
import pandas as pd
import pytest

from workflow.lib.claims.compare import compare_claims
from workflow.lib.common.tables import write_parquet
from workflow.lib.planning.claims import Claim, read_claims, settings_read

CONFIG = {"anomalies": {"ratings": 90}, "pca": {"components": [10, 15]}}

ODD = {"survey": "gz2", "file": "6_anomaly/gz2-odd/repeats.csv", "figure": "figure_3"}
RINGS = {"survey": "decals", "file": "7_finetune/ring/models.csv"}
COUNTS = {"survey": "decals", "file": "7_finetune/ring/label_counts.json", "read": "value"}
CLAIMS = [
    {"id": "top100", "kind": "number", "value": "100", "unit": "%", **ODD, "read": "mean",
     "rows": "method=cnn-gp, metric=accuracy_100", "column": "value", "tolerance": "errors"},
    {"id": "better", "kind": "ordering", **ODD, "read": "more", "column": "value",
     "rows": "method=cnn-gp, metric=accuracy_100", "than": "method=baseline, metric=accuracy_100"},
    {"id": "over-chance", "kind": "ordering", **ODD, "read": "more", "column": "value",
     "rows": "method=baseline", "than": "column chance", "by": "every metric"},
    {"id": "all-sizes", "kind": "ordering", **RINGS, "read": "more", "column": "accuracy",
     "rows": "pretraining=all", "than": "pretraining=imagenet", "by": "every size"},
    {"id": "on-average", "kind": "ordering", **RINGS, "read": "more", "column": "accuracy",
     "rows": "pretraining=all", "than": "pretraining=imagenet", "by": "mean size"},
    {"id": "ahead-when-few", "kind": "ordering", **RINGS, "read": "more", "column": "accuracy",
     "rows": "pretraining=all, size<=median minus pretraining=imagenet, size<=median",
     "than": "pretraining=all, size>median minus pretraining=imagenet, size>median"},
    {"id": "rings", "kind": "number", "value": "100", **COUNTS, "rows": "cut=label 1",
     "column": "left", "tolerance": "percent 2"},
    {"id": "rings-share", "kind": "number", "value": "20", "unit": "%", **COUNTS, "read": "ratio",
     "rows": "cut=label 1", "column": "left", "than": "cut=in all", "tolerance": "within 1"},
    {"id": "galaxies", "kind": "number", "value": "5", "survey": "decals", "read": "count",
     "file": "1_catalogue/decals.parquet", "tolerance": "exact"},
    {"id": "bright", "kind": "number", "value": "2", "survey": "decals", "read": "count",
     "file": "1_catalogue/decals.parquet", "rows": "mag_r<15", "tolerance": "exact"},
    {"id": "sample", "kind": "number", "value": "58", "survey": "decals", "read": "value",
     "file": "6_anomaly/ring/candidates.json", "column": "galaxies", "tolerance": "exact",
     "contradicts": "cut"},
    {"id": "cut", "kind": "setting", "value": "0.6", "contradicts": "sample", "note": "unknown"},
    {"id": "ratings", "kind": "setting", "value": "200", "file": "config", "read": "value",
     "column": "anomalies.ratings", "tolerance": "exact"},
    {"id": "components", "kind": "setting", "value": "15", "file": "config", "read": "value",
     "column": "pca.components.1", "tolerance": "exact"},
    {"id": "sizes", "kind": "setting", "value": "2", "file": RINGS["file"], "read": "distinct",
     "column": "size", "tolerance": "exact"},
    {"id": "look", "kind": "statement", "note": "judged by eye <in the figure>"},
]  # fmt: skip
FILES = sorted({claim["file"] for claim in CLAIMS if claim.get("file", "config") != "config"})


@pytest.fixture
def results(tmp_path):
    """The results: the network is better than the baseline, and at size 8 worse than ImageNet."""
    folder = tmp_path / "results"
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    shares = {"baseline": [0.5, 0.6, 0.7], "cnn-gp": [0.98, 1.0, 0.99]}
    odd = [
        ("accuracy_100", method, repeat, value, 0.1)
        for method, values in shares.items()
        for repeat, value in enumerate(values)
    ]
    odd += [("average_precision", "baseline", repeat, 0.2, 0.1) for repeat in range(3)]
    columns = ["metric", "method", "repeat", "value", "chance"]
    pd.DataFrame(odd, columns=columns).to_csv(folder / ODD["file"], index=False)
    models = [
        ("all", 8, 0.60), ("all", 8, 0.62), ("imagenet", 8, 0.63), ("imagenet", 8, 0.65),
        ("all", 512, 0.90), ("all", 512, 0.92), ("imagenet", 512, 0.70), ("imagenet", 512, 0.72),
    ]  # fmt: skip
    frame = pd.DataFrame(models, columns=["pretraining", "size", "accuracy"])
    frame.to_csv(folder / RINGS["file"], index=False)
    counts = [{"cut": "in all", "left": 500}, {"cut": "label 1", "left": 101}]
    (folder / COUNTS["file"]).write_text(json.dumps(counts))
    (folder / "6_anomaly/ring/candidates.json").write_text(json.dumps({"galaxies": 40}))
    magnitudes = {"iauname": list("abcde"), "mag_r": [14.5, 14.9, 16.0, 17.0, np.nan]}
    write_parquet(pd.DataFrame(magnitudes), folder / "1_catalogue/decals.parquet")
    (folder / "encoder.json").write_text(
        json.dumps({"label": "", "training": {"survey": "decals"}})
    )
    return folder


@pytest.fixture
def compare(results):
    """Give a function that compares claims with the results, and returns the table by id."""

    def compare_them(claims=CLAIMS, made=FILES, **changes):
        shared = {"section": "Sec. 1", "claim": "It is so"}
        rows = [[(shared | claim).get(name, "") for name in Claim._fields] for claim in claims]
        path = results / "claims.tsv"
        path.write_text("\n".join("\t".join(row) for row in [Claim._fields, *rows]) + "\n")
        given = {
            "settings": settings_read(read_claims(path), CONFIG),
            "shown": "all",
            "simulated": [],
            "stand_ins": [],
            "survey_notes": [],
            "figures": {"figure_3": "8_figures/figure_3.png"},
            "draws": 200,
            "seed": 1,
            "sigmas": 3.0,
        }
        compare_claims(
            path,
            results,
            made,
            results / "encoder.json",
            **(given | changes),
            table=results / "9_claims/claims.csv",
            page=results / "9_claims/claims.html",
            summary=results / "9_claims/summary.txt",
        )
        return pd.read_csv(results / "9_claims/claims.csv", keep_default_na=False).set_index("id")

    return compare_them

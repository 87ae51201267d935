"""The stages whose cost grows with the survey, on random inputs: each one function of a case.

Those of `TABLES` work on tables with the columns of Galaxy Zoo DESI; those of `IMAGES` on images,
all of which are the same small picture. `growth` runs each in a process of its own, in this order.
"""

from io import BytesIO
from pathlib import Path
from types import SimpleNamespace as Case

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from workflow.lib.planning.config import read_config

BLOCK = 10_000
QUESTIONS = read_config([])["pretraining"]["questions"]
MERGER = "merging_merger_fraction"


def write_tables(case: Case) -> None:
    """Write a catalogue of random numbers, and vectors in the format of a PCA's output."""
    from workflow.lib.represent.vector_files import representation_schema, representation_table

    folder, draw = Path(case.folder), np.random.default_rng(1)
    names = [f"{300_000 + row // 30}_{row % 9000}" for row in range(case.galaxies)]
    columns = {"dr8_id": names}
    columns["ra"] = draw.uniform(0, 360, case.galaxies)
    columns["dec"] = draw.uniform(-20, 80, case.galaxies)
    columns |= {name: draw.uniform(1, 20, case.galaxies) for name in ["petro_th50", "petro_th90"]}
    for question, answers in QUESTIONS.items():
        for answer in answers:
            columns[f"{question}_{answer}_fraction"] = draw.random(case.galaxies, np.float32)
    pd.DataFrame(columns).to_parquet(folder / "table.parquet")
    for size in (10, 15, 40):
        schema = representation_schema(size)
        with pq.ParquetWriter(folder / f"pca{size}.parquet", schema) as writer:
            for start in range(0, case.galaxies, BLOCK):
                part = names[start : start + BLOCK]
                vectors = draw.standard_normal((len(part), size), np.float32)
                writer.write_table(representation_table(part, vectors, schema))


def select_galaxies(case: Case) -> None:
    """Stage 1."""
    from workflow.lib.catalogue.selection import select_table_galaxies

    folder = Path(case.folder)
    select_table_galaxies(
        folder / "table.parquet",
        id_column="dr8_id",
        cuts={},
        exclude=[],
        pixel_scale={"per_th50": 0.04, "per_th90": 0.02, "minimum": 0.1},
        catalogue=folder / "catalogue.parquet",
        counts=folder / "counts.json",
    )


def write_shard(case: Case) -> None:
    """Stage 1, one of 100 shards."""
    from workflow.lib.catalogue.shards import write_shard

    folder = Path(case.folder)
    write_shard(folder / "catalogue.parquet", folder / "050-of-100.csv")


def project_representation(case: Case) -> None:
    """Stage 4, without umap itself."""
    from workflow.lib.catalogue.fractions import sample_names
    from workflow.lib.represent.umap_plane import draw_rows
    from workflow.lib.represent.vector_files import read_representation

    folder = Path(case.folder)
    names, _ = read_representation(folder / "pca15.parquet")
    sample = sample_names(folder / "catalogue.parquet", None, [], 0.5)
    rows = np.flatnonzero(pd.Index(names).isin(sample))
    draw_rows(names, rows, 1000, 1)


def derive_tags(case: Case) -> None:
    """Stage 5."""
    from workflow.lib.similarity.tags import derive_tags

    folder = Path(case.folder)
    columns = [
        f"{question}_{answer}_fraction" for question in QUESTIONS for answer in QUESTIONS[question]
    ]
    fractions = {f"tag{place}": [column] for place, column in enumerate(columns[:18])}
    derive_tags(folder / "catalogue.parquet", fractions, 0.99, folder / "tags.parquet")


def find_neighbours(case: Case) -> None:
    """Stage 5, from 18 galaxies as in the paper."""
    from workflow.lib.similarity.neighbours import find_neighbours

    folder = Path(case.folder)
    find_neighbours(
        folder / "pca10.parquet",
        folder / "catalogue.parquet",
        folder / "tags.parquet",
        folder / "neighbours.parquet",
        most_common=18,
        k=50,
        metric="manhattan",
        same_within=100,
        threads=2,
    )


def measure_retrieval(case: Case) -> None:
    """Stage 5, for one tag, without the file of all 1280 values, which is mapped into memory."""
    from workflow.lib.similarity.nearest import METRICS
    from workflow.lib.similarity.neighbours import open_representations
    from workflow.lib.similarity.retrieval import measure_retrieval

    folder = Path(case.folder)
    np.save(folder / "full.npy", np.zeros((pq.read_metadata(folder / "pca40.parquet").num_rows, 1)))
    compressed = {name: folder / f"{name}.parquet" for name in ["pca10", "pca40"]}
    measure_retrieval(
        *open_representations(compressed, folder / "full.npy"),
        folder / "catalogue.parquet",
        folder / "tags.parquet",
        folder / "retrieval.csv",
        metrics=METRICS,
        questions=QUESTIONS,
        answers=[MERGER],
        most_common=1,
        first=[50],
        above=2,  # no galaxy has an answer
        min_votes=0,
        queries=32,
        same_within=100,
        seed=1,
        threads=2,
    )


def compare_votes(case: Case) -> None:
    """Stage 5."""
    from workflow.lib.similarity.retrieval import compare_votes

    folder = Path(case.folder)
    compare_votes(
        folder / "neighbours.parquet",
        folder / "catalogue.parquet",
        folder / "shared.csv",
        questions=QUESTIONS,
        answers=[MERGER],
        min_votes=0,
        first=[10],
        draws=99,
        seed=1,
    )


def select_candidates(case: Case) -> None:
    """Stage 6, with all galaxies as candidates."""
    from workflow.lib.anomaly.candidates import select_candidates

    folder = Path(case.folder)
    select_candidates(
        folder / "catalogue.parquet",
        [folder / "pca40.parquet"],
        folder / "candidates.parquet",
        folder / "candidates.json",
        label=MERGER,
        above=0.99,
        share=None,
        votes="",
        min_votes=0,
        filters={"disk-edge-on_no": 0.0},
    )


def standardise_features(case: Case) -> None:
    """Stage 6."""
    from workflow.lib.anomaly.candidates import standardise_features

    folder = Path(case.folder)
    standardise_features(
        folder / "pca40.parquet", folder / "candidates.parquet", folder / "cnn.npy"
    )


def hunt_anomalies(case: Case) -> None:
    """Stage 6, one repeat of two batches."""
    from workflow.lib.anomaly.hunt import hunt_anomalies

    folder = Path(case.folder)
    hunt_anomalies(
        folder / "candidates.parquet",
        folder / "cnn.npy",
        [0],
        [folder / "00.parquet"],
        search_by="gaussian-process",
        settings={
            "batch": 10,
            "kernel": "rational-quadratic",
            "acquisition": "expected-improvement",
            "epsilon": 0.5,
            "restarts": 0,
        },
        known_first=True,
        ratings=20,
        seed=1,
        threads=2,
    )


def score_repeats(case: Case) -> None:
    """Stage 6, with 15 repeats."""
    from workflow.lib.anomaly.scores import score_repeats

    folder = Path(case.folder)
    score_repeats(
        folder / "candidates.parquet",
        {"cnn-gp": [folder / "00.parquet"] * 15},
        folder / "curves.csv",
        folder / "scores.csv",
        folder / "repeats.csv",
        known={"cnn-gp": 20},
        tops=[50, 100, 200],
        longest=500,
        sigmas=3,
    )


class OnePicture:
    """An image source that gives all galaxies the same picture."""

    needs = ()
    identity: dict = {}

    def __init__(self) -> None:
        from PIL import Image

        pixels = np.random.default_rng(0).integers(0, 255, (128, 128, 3), np.uint8)
        buffer = BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG")
        self.jpeg = buffer.getvalue()

    def read(self, galaxy: dict) -> bytes:
        """Give the picture."""
        return self.jpeg


def simulate_survey(case: Case) -> None:
    """Stage 0."""
    from workflow.lib.sources.sky.survey import simulate_survey

    folder = Path(case.folder)
    tables = ["truth", "automated", "volunteers", "rare"]
    files = {name: folder / f"{name}.parquet" for name in tables}
    files |= {name: folder / f"{name}.csv" for name in ["tags", "solutions"]}
    simulate_survey(
        case.galaxies,
        1,
        merging_share=0.1,
        flux_column="NMGY",
        zero_point=22.5,
        spellings={},
        nsa=folder / "nsa.fits",
        **files,
    )


def select_pictured(case: Case) -> None:
    """Stage 1, from an atlas and votes, with no cuts."""
    from workflow.lib.catalogue.selection import select_atlas_galaxies

    folder = Path(case.folder)
    tables = [folder / name for name in ("nsa.fits", "automated.parquet", "volunteers.parquet")]
    select_atlas_galaxies(
        *tables,
        folder / "rare.parquet",
        flux_column="NMGY",
        flux_index=4,
        zero_point=22.5,
        cuts={},
        exclude=[],
        pixel_scale={"per_th50": 0.04, "per_th90": 0.02, "minimum": 0.1},
        catalogue=folder / "catalogue.parquet",
        counts=folder / "counts.json",
    )


def list_shard(case: Case) -> None:
    """Stage 1: all galaxies in one shard."""
    from workflow.lib.catalogue.shards import write_shard

    folder = Path(case.folder)
    write_shard(folder / "catalogue.parquet", folder / "0-of-1.csv")


def fetch_cutouts(case: Case) -> None:
    """Stage 2."""
    from workflow.lib.cutouts.shards import make_shard

    folder = Path(case.folder)
    make_shard(
        folder / "0-of-1.csv",
        OnePicture(),
        folder / "0-of-1.parquet",
        folder / "failed.csv",
        thumbnail_size=128,
        network_size=96,
        network_field=1,
        colour={"scales": {"g": 1, "r": 1, "z": 1}},
        jpeg_quality=90,
        max_missing_share=1,
        max_failed_share=1,
        chunk=64,
    )


def embed_cutouts(case: Case) -> None:
    """Stages 3 and 4."""
    from workflow.lib.network.encoder import random_encoder, save_encoder
    from workflow.lib.represent.embed import embed_shard

    folder = Path(case.folder)
    weights = folder / "encoder.weights.h5"
    save_encoder(random_encoder(64, 1), weights, label="", training=None, seed=1)
    embed_shard(
        folder / "0-of-1.parquet",
        weights,
        folder / "shard.parquet",
        crop_size=64,
        batch_size=128,
        seed=1,
        views=1,
    )


def gather_representation(case: Case) -> None:
    """Stage 4."""
    from workflow.lib.represent.vector_files import gather_shards

    folder = Path(case.folder)
    gather_shards([folder / "shard.parquet"], folder / "representation.parquet")


def unpack_representation(case: Case) -> None:
    """Stage 4."""
    from workflow.lib.represent.vector_files import unpack_representation

    folder = Path(case.folder)
    unpack_representation(folder / "representation.parquet", folder / "representation.npy")


def compress_representation(case: Case) -> None:
    """Stage 4."""
    from workflow.lib.represent.pca import compress

    folder = Path(case.folder)
    compress(
        folder / "representation.parquet",
        40,
        512,
        compressed=folder / "pca40.parquet",
        variance=folder / "variance.csv",
        compressor=folder / "pca40.npz",
    )


def draw_representation(case: Case) -> None:
    """Stage 8, at random positions."""
    from workflow.lib.common.tables import read_table, write_parquet
    from workflow.lib.figures.canvas import Canvas
    from workflow.lib.figures.representation import draw_representation, gather_cells

    folder = Path(case.folder)
    names = read_table(folder / "0-of-1.csv", text=["iauname"])["iauname"]
    x, y = np.random.default_rng(0).random((2, len(names)))
    positions = folder / "umap.parquet"
    write_parquet(pd.DataFrame({"iauname": names, "umap_x": x, "umap_y": y}), positions)
    files = [folder / f"figure.{ending}" for ending in ("pdf", "png", "csv")]
    canvas = Canvas(6.97, 150, [], *files)
    canvas.write_source(gather_cells(positions, grid=24), folder / "encoder.json")
    draw_representation(canvas, [folder / "0-of-1.parquet"], crop=0)


TABLES = [
    select_galaxies,
    write_shard,
    project_representation,
    derive_tags,
    find_neighbours,
    measure_retrieval,
    compare_votes,
    select_candidates,
    standardise_features,
    hunt_anomalies,
    score_repeats,
]
IMAGES = [
    simulate_survey,
    select_pictured,
    list_shard,
    fetch_cutouts,
    embed_cutouts,
    gather_representation,
    unpack_representation,
    compress_representation,
    draw_representation,
]

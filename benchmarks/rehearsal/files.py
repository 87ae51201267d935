"""The rehearsal's raw data: tables with the columns and types of the real ones, and pictures."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from benchmarks.rehearsal.galaxies import ATLAS, CHALLENGE, ODD, UNMEASURED, draw_galaxies
from workflow.lib.common.files import atomic_path
from workflow.lib.pretrain.released_weights import IMAGENET_STDDEV
from workflow.lib.sources.sky.population import iauname

TAGS, TAGGED = 110_764, 93_900
"""Uses of tags, and those of galaxies of the catalogue (Sec. 2.4)."""

WITHOUT_IMAGE = 10
"""Galaxies that no volunteer saw and of which there is no picture."""

CLASSES = {1: 3, 2: 2, 3: 2, 4: 2, 5: 4, 6: 2, 7: 3, 8: 7, 9: 3, 10: 3, 11: 6}
"""Answers to each question of the second survey."""

PROFILES = ["PROFMEAN", "PROFMEAN_IVAR", "QSTOKES", "USTOKES", "BASTOKES", "PHISTOKES"]
"""Columns of the atlas that make it large; they are not read."""

ATLAS_COLUMNS = [
    ("IAUNAME", "S19"), ("SUBDIR", "S27"), ("RA", ">f8"), ("DEC", ">f8"), ("ISDSS", ">i4"),
    ("MAG", ">f4"), ("Z", ">f4"), ("ZSRC", "S7"), ("RUN", ">i2"), ("CAMCOL", "u1"),
    ("NSAID", ">i4"), ("ZDIST", ">f4"), ("SERSIC_NMGY", ">f4", (7,)),
    ("SERSIC_NMGY_IVAR", ">f4", (7,)), ("SERSIC_OK", ">i2"),
    *((name, ">f4", (7, 15)) for name in PROFILES), ("SERSIC_N", ">f4"),
    ("PROFTHETA", ">f4", (15,)), ("PETRO_THETA", ">f4"), ("PETRO_TH50", ">f4"),
    ("PETRO_TH90", ">f4"), ("ELPETRO_ABSMAG", ">f4", (7,)),
]  # fmt: skip


def write_files(folder: Path, scale: float, questions: Mapping[str, Sequence[str]]) -> None:
    """Write everything that a user of the paper's configuration downloads or brings.

    Parameters
    ----------
    folder
        Where to; the files have their real names.
    scale
        Share of the real number of galaxies.
    questions
        `pretraining.questions` of the configuration.
    """
    rng = np.random.default_rng(2)
    folder.mkdir(parents=True, exist_ok=True)
    galaxies = draw_galaxies(scale)
    names = _write_atlas(folder / "nsa_v1_0_1.fits", galaxies, round(scale * ATLAS), rng)
    galaxies.index = pd.Index(names, name="iauname")
    galaxies = galaxies.iloc[rng.permutation(len(galaxies))]
    automated = _automated(galaxies, questions, rng)
    asked = galaxies["votes"].notna().to_numpy()
    _write_automated(folder / "gz_decals_auto_posteriors.parquet", automated, questions, rng)
    volunteers = _volunteers(galaxies[asked], automated[asked], questions, rng)
    volunteers.reset_index().to_parquet(folder / "gz_decals_volunteers_5.parquet", index=False)
    rare = galaxies.loc[asked, ["ring", "irregular"]].add_prefix("rare-features_")
    rare.add_suffix("_fraction").reset_index().to_parquet(folder / "rare_features.parquet")
    _tags(galaxies, scale, rng).to_csv(folder / "tags.csv", index=False)
    solutions = _solutions(scale, rng)
    solutions.to_csv(folder / "training_solutions_rev1.csv", index=False)
    pictured = galaxies.drop(galaxies.index[~asked & galaxies["passes"]][:WITHOUT_IMAGE])
    _write_pictures(
        folder / "decals.zip",
        (f"{name[:4]}/{name}" for name in pictured.index),
        (pictured["ring"] > 0.25) + 2 * (pictured["face_on"] < 0.5),
    )
    _write_pictures(
        folder / "images_training_rev1.zip",
        (f"images_training_rev1/{number}" for number in solutions["GalaxyID"]),
        solutions["Class6.1"] > 0.9,
    )
    _write_imagenet(folder / "efficientnetb0_notop.h5")


def _write_atlas(
    path: Path, galaxies: pd.DataFrame, rows: int, rng: np.random.Generator
) -> np.ndarray:
    """Write the atlas; give the names in it of the galaxies, which are in random places."""
    from astropy.io import fits

    table = np.zeros(rows, ATLAS_COLUMNS)
    ra, dec = rng.uniform(0, 360, rows), np.degrees(np.arcsin(rng.uniform(-0.3, 0.6, rows)))
    names = np.array([iauname(*place) for place in zip(ra, dec, strict=True)])
    table["IAUNAME"], table["RA"], table["DEC"] = names, ra, dec
    table["NSAID"], table["SUBDIR"] = np.arange(rows), "detect/v1_0/00h/p00/J000000.00+000000.0"
    table["PETRO_TH50"] = rng.uniform(1, 8, rows)
    table["PETRO_TH90"] = rng.uniform(2, 3, rows) * table["PETRO_TH50"]
    # The cut that a galaxy fails: its size, its flux, or (in the automated table) a warning.
    places, fails = rng.permutation(rows)[: len(galaxies)], np.zeros(rows, int)
    fails[places] = np.where(galaxies["passes"], 0, rng.integers(1, 4, len(galaxies)))
    galaxies["wrong_size_warning"] = fails[places] == 3
    theta, magnitude = rng.uniform(3.01, 40, rows), rng.uniform(14.01, 17.76, rows)
    table["PETRO_THETA"] = np.where(fails == 1, rng.uniform(0.5, 2.99, rows), theta)
    magnitude = np.where(fails == 2, rng.uniform(17.78, 20, rows), magnitude)
    table["SERSIC_NMGY"] = 10 ** ((22.5 - magnitude) / 2.5)[:, None]
    table["SERSIC_NMGY"][fails == 2, 4] *= rng.random((fails == 2).sum()) > 0.1  # some have none
    with atomic_path(path) as temporary:
        fits.BinTableHDU(table).writeto(temporary)
    return names[places]


def _automated(
    galaxies: pd.DataFrame, questions: Mapping[str, Sequence[str]], rng: np.random.Generator
) -> pd.DataFrame:
    """Draw the predicted fraction of each answer; they add to 1 for each question."""
    known = {
        "smooth-or-featured_smooth": 1 - galaxies["featured"] - galaxies["artifact"],
        "smooth-or-featured_featured-or-disk": galaxies["featured"],
        "smooth-or-featured_artifact": galaxies["artifact"],
        "disk-edge-on_yes": 1 - galaxies["face_on"],
        "disk-edge-on_no": galaxies["face_on"],
    }
    columns = {}
    for question, answers in questions.items():
        drawn = rng.standard_gamma(1, (len(galaxies), len(answers)))
        shares = (drawn / drawn.sum(axis=1, keepdims=True)).T
        names = [f"{question}_{answer}" for answer in answers]
        columns |= {name: known.get(name, share) for name, share in zip(names, shares, strict=True)}
    fractions = pd.DataFrame(columns, galaxies.index).add_suffix("_fraction")
    return fractions.assign(wrong_size_warning=galaxies["wrong_size_warning"])


def _write_automated(
    path: Path,
    automated: pd.DataFrame,
    questions: Mapping[str, Sequence[str]],
    rng: np.random.Generator,
) -> None:
    """Write the automated table, with 25 concentrations of each answer in lists."""
    columns = {"iauname": pa.array(automated.index)}
    for question, answers in questions.items():
        for answer in answers:
            name = f"{question}_{answer}"
            columns[f"{name}_fraction"] = pa.array(automated[f"{name}_fraction"])
            lists = pa.array(rng.uniform(1, 100, 25 * len(automated)))
            edges = np.arange(0, len(lists) + 1, 25, dtype=np.int32)
            columns[f"{name}_concentration"] = pa.ListArray.from_arrays(edges, lists)
        columns[f"{question}_proportion_volunteers_asked"] = pa.array(rng.random(len(automated)))
    columns["wrong_size_statistic"] = pa.array(rng.uniform(50, 160, len(automated)))
    columns["wrong_size_warning"] = pa.array(automated["wrong_size_warning"])
    with atomic_path(path) as temporary:
        # Looking for repeated values among these would take most of the time.
        pq.write_table(pa.table(columns), temporary, use_dictionary=False)


def _volunteers(
    galaxies: pd.DataFrame,
    automated: pd.DataFrame,
    questions: Mapping[str, Sequence[str]],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Let volunteers vote: as predicted, but on mergers as the paper's samples need it."""
    columns = {}
    for question, answers in questions.items():
        names = [f"{question}_{answer}" for answer in answers]
        chances = automated[[f"{name}_fraction" for name in names]].to_numpy()
        total = galaxies["merging_votes" if question == "merging" else "votes"].to_numpy(int)
        if question == "merging":
            merger = answers.index("merger")
            counts = np.zeros(chances.shape, int)
            counts[:, merger] = np.rint(galaxies["merger"] * total)
            counts[:, answers.index("none")] = total - counts[:, merger]
        else:
            counts = rng.multinomial(total, chances / chances.sum(axis=1, keepdims=True))
        columns[f"{question}_total-votes"] = total.astype(float)
        for name, count in zip(names, counts.T, strict=True):
            columns[name] = count.astype(float)
            columns[f"{name}_fraction"] = columns[f"{name}_debiased"] = count / total
    return pd.DataFrame(columns, galaxies.index)


def _tags(galaxies: pd.DataFrame, scale: float, rng: np.random.Generator) -> pd.DataFrame:
    """Draw uses of tags: few tags and few galaxies have most of them."""
    words = ["ring", "ringed", "#Disturbed", "starforming", "star-forming", "dust-lane", "spiral"]
    words += ["core", "star", "overlap", "tidal-debris", "irregular", "agn", "lens", "clumpy"]
    words += [f"feature-{number}" for number in range(200)]
    among, uses = galaxies.index[galaxies["passes"]], round(scale * TAGS)
    inside = round(scale * TAGGED)
    names = among[np.minimum(rng.zipf(1.3, inside), len(among)) - 1]
    chosen = np.minimum(rng.zipf(1.5, uses), len(words)) - 1
    tags = pd.DataFrame({"iauname": [*names, *["J999999.99+999999.9"] * (uses - inside)]})
    return tags.assign(tag=np.array(words)[chosen]).sample(frac=1, random_state=1)


def _solutions(scale: float, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the table of the Galaxy Challenge."""
    count, odd, unmeasured = (max(1, round(scale * n)) for n in (CHALLENGE, ODD, UNMEASURED))
    table = {"GalaxyID": 100_008 + np.sort(rng.choice(900_000, count, replace=False))}
    for question, answers in CLASSES.items():
        shares = rng.dirichlet(np.ones(answers), count)
        if question == 1:
            shares[:, 2] = rng.uniform(0, 0.5, count)
            shares[:unmeasured, 2] = 0.9
        if question == 6:
            shares[:, 0] = rng.uniform(0, 0.9, count)
            shares[-odd:, 0] = rng.uniform(0.9, 1, odd)
            shares[:, 1] = 1 - shares[:, 0]
        names = [f"Class{question}.{answer}" for answer in range(1, answers + 1)]
        table |= dict(zip(names, shares.T, strict=True))
    return pd.DataFrame(table)


def _write_pictures(path: Path, names: Sequence[str], kinds: pd.Series) -> None:
    """Write a zip of JPEGs, each galaxy with one of eight pictures of its kind."""
    kinds = kinds.to_numpy(int)
    pictures = {kind: [_picture(kind, turn / 8) for turn in range(8)] for kind in np.unique(kinds)}
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for place, (name, kind) in enumerate(zip(names, kinds, strict=True)):
            archive.writestr(f"{name}.jpg", pictures[kind][place % 8])


def _picture(kind: int, turn: float, size: int = 106) -> bytes:
    """Draw a galaxy: a disc, in odd kinds with a ring; from 2 on seen edge-on."""
    angle, centre = np.pi * turn, (size - 1) / 2
    y, x = np.mgrid[:size, :size] - centre
    along, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    radius = np.hypot(along, across * (5 if kind >= 2 else 1.3 + turn)) / size
    light = np.exp(-radius / 0.05) + (kind % 2) * 0.5 * np.exp(-(((radius - 0.22) / 0.03) ** 2))
    rgb = 20 + 230 * np.clip(light[..., None] * np.array([1, 0.9, 0.75]), 0, 1)
    file = io.BytesIO()
    Image.fromarray(rgb.astype(np.uint8)).save(file, "JPEG", quality=60)
    return file.getvalue()


def _write_imagenet(path: Path) -> None:
    """Write random weights in the format of Keras Applications."""
    import h5py
    import keras
    from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

    network = keras.applications.EfficientNetB0(weights=None, include_top=False)
    mean, deviation = np.float32([0.485, 0.456, 0.406]), np.float32(IMAGENET_STDDEV)
    network.get_layer("normalization").set_weights([mean, deviation, np.int32(1)])
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        save_weights_to_hdf5_group(file, network)

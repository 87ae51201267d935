"""The configuration: the paper's numbers, and mistakes reported in one line that names the key."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.planning.configurations import (
    CONFIG,
    OVERLAYS,
    PLACEHOLDERS,
    at,
    at_path,
    changed,
    complaint,
    complete,
    load,
    parsed,
    paths,
    without,
)
from workflow.lib.common.errors import UserError
from workflow.lib.planning.config import check_config, merged, read_config, read_file
from workflow.lib.planning.grid import FIGURE_SAMPLES, FINETUNING_FIGURES

SIDE = {"label.yaml", "compare.yaml"}
"""Overlays of others, whose results they share."""

PAPER = {
    "surveys.decals.cuts.petro_theta": {"above": 3.0},
    "surveys.decals.cuts.mag_r": {"above": 14.0, "below": 17.77},
    "surveys.decals.exclude": ["wrong_size_warning"],
    "nsa.flux_column": "SERSIC_NMGY",
    "nsa.flux_index": 4,
    "nsa.zero_point": 22.5,
    "legacysurvey.layer": "decals-dr5",
    "legacysurvey.pixel_scale": 0.262,
    "cutouts.thumbnail_size": 424,
    "cutouts.network_size": 300,
    "cutouts.pixel_scale": {"per_th50": 0.04, "per_th90": 0.02, "minimum": 0.1},
    "cutouts.colour.scales": {"g": 0.008, "r": 0.014, "z": 0.019},
    "cutouts.colour.arcsinh_range": [-0.5, 300.0],
    "cutouts.colour.desaturation": 2.5,
    "representation.crop_size": 224,
    "representation.batch_size": 128,
    "pca.components": [10, 15, 40],
    "umap.components": 15,
    "umap.threshold": 0.5,
    "umap.most": None,
    "umap.samples.all.fractions": [],
    "umap.samples.featured.fractions": ["smooth-or-featured_featured-or-disk", "disk-edge-on_no"],
    "umap.samples.spiral.fractions": [
        "smooth-or-featured_featured-or-disk",
        "disk-edge-on_no",
        "has-spiral-arms_yes",
    ],
    "pretraining.shown": "final",
    "pretraining.finals": {"final": "all"},
    "pretraining.min_votes": 3,
    "pretraining.recipe.batch_size": 128,
    "similarity.components": 10,
    "similarity.metric": "manhattan",
    "similarity.same_within": 0,
    "page.same_within": 100,
    "legacysurvey.largest_size": 512,
    "cutouts.max_missing_share": 0.2,
    "finetune.test_passes": 15,
    "cost.validated": 1988,
    "similarity.most_common": 18,
    "similarity.neighbours": 50,
    "anomalies.components": 40,
    "anomalies.ellipses": {"channel": 0, "sigma": 3.0, "percentiles": [90, 80, 70, 60, 50, 0]},
    "anomalies.searches.gaussian-process.batch": 10,
    "anomalies.searches.gaussian-process.kernel": "rational-quadratic",
    "anomalies.searches.gaussian-process.acquisition": "expected-improvement",
    "anomalies.searches.gaussian-process.epsilon": 0.5,
    "anomalies.searches.gaussian-process.limits": "ours",
    "anomalies.searches.isolation-forest": {
        "trees": 100,
        "alpha": 1.0,
        "floor": 0.1,
        "slope": 0.85,
    },
    "anomalies.ratings": 200,
    "anomalies.repeats": 15,
    "anomalies.tops": [50, 100, 200],
    "anomalies.longest": 500,
    "anomalies.sigmas": 3.0,
    "figures.anomalies.figure_3": ["gz2-odd"],
    "figures.anomalies.figure_5": ["decals-merger", "decals-ring", "decals-irregular"],
    "figures.anomalies.figure_6.among": 200,
    "finetune.labels.ring.above": 0.25,
    "finetune.labels.ring.below": 0.05,
    "finetune.labels.ring.cuts": {
        "smooth-or-featured_featured-or-disk_automated-fraction": {"above": 0.25},
        "disk-edge-on_no_automated-fraction": {"above": 0.75},
    },
    "finetune.sizes": [1, 3, 8, 21, 58, 159, 438, 1207, 3327, 9167, 25263, 69620],
    "finetune.repeats": 5,
    "finetune.split": {"validation_share": 0.1, "test_share": 0.2, "copies": 5},
    "finetune.head": {"units": [64, 64], "dropout": 0.75, "standardise": False},
    "finetune.batch_size": 256,
    "finetune.stages.frozen": {
        "learning_rate": 1e-3,
        "images_seen": 5_000_000,
        "patience": {"part": 6, "least": 10, "most": 30},
        "keep": "best",
    },
    "finetune.stages.finetuned": {
        "learning_rate": 1e-5,
        "images_seen": 5_000_000,
        "patience": {"part": 6, "least": 10, "most": 30},
        "keep": "best",
    },
    "surveys.decals.published": 305_657,
    "cost.galaxies_of": {"decals": 305_657, "gz2": 61_578},
    "figures.survey": "decals",
    "figures.neighbours": {"per_row": 8, "blocks": 2, "crop": 120},
}

CHOSEN_FREELY = {
    (*path, name)
    for path in [(), *paths(complete())]
    if path and path[-1] in PLACEHOLDERS and isinstance(at_path(complete(), path), dict)
    for name in at_path(complete(), path)
}

FIXED_PATHS = sorted(set(paths(complete())) - CHOSEN_FREELY)


@pytest.mark.parametrize("overlays", [(), *OVERLAYS])
def test_each_shipped_configuration_passes(overlays):
    check_config(load(*overlays))


@pytest.mark.parametrize("key", PAPER)
def test_the_configuration_has_the_papers_numbers(key):
    assert at(load(), key) == PAPER[key]


def test_the_papers_figures_are_shown_by_default():
    assert set(FIGURE_SAMPLES) <= set(load()["figures"]["show"])
    assert set(FIGURE_SAMPLES.values()) == set(load()["umap"]["samples"])
    assert set(FINETUNING_FIGURES) <= set(load()["figures"]["show"])


@pytest.mark.parametrize("names", [names for names in OVERLAYS if names[-1] not in SIDE])
def test_an_overlay_writes_beside_the_others_results(names):
    ours, theirs = load(*names)["pathvars"], load(*names[:-1])["pathvars"]
    for key in ["results", "logs", "benchmarks"]:
        assert ours[key] != theirs[key]


@pytest.mark.parametrize("names", OVERLAYS)
def test_an_overlay_repeats_nothing(names):
    base, overlay = load(*names[:-1]), parsed(CONFIG / names[-1])
    known = set(paths(base))
    repeated = [
        ".".join(path)
        for path in paths(overlay)
        if path in known
        and not isinstance(at_path(overlay, path), dict)
        and at_path(overlay, path) == at_path(base, path)
    ]
    assert repeated == []


@given(data=st.data())
def test_a_misspelt_key_is_named(data):
    path = data.draw(st.sampled_from(FIXED_PATHS))
    place = data.draw(st.integers(0, len(path[-1]) - 1))
    letter = data.draw(st.sampled_from("qxj"))
    misspelt = path[-1][:place] + letter + path[-1][place + 1 :]
    config = complete()
    parent = at_path(config, path[:-1])
    if misspelt in parent:
        return
    parent[misspelt] = parent.pop(path[-1])
    assert f"'{'.'.join((*path[:-1], misspelt))}'" in complaint(config)


def test_an_unknown_key_is_named_with_the_nearest_known_one():
    message = complaint(changed("cutouts.thumbnail_sise", 424))
    assert message == (
        "config: unknown key 'cutouts.thumbnail_sise'; did you mean 'thumbnail_size'?"
    )


def test_an_unknown_key_unlike_any_known_one_lists_those():
    assert "known here: flux_column, flux_index, zero_point" in complaint(changed("nsa.zzz", 1))


REQUIRED = [
    ".".join(path)
    for path in sorted(set(paths(load())) - CHOSEN_FREELY)
    if not {"cuts", "exclude", "catalogue", "published", "tags", "path", "settings"} & set(path[2:])
]


@pytest.mark.parametrize("key", REQUIRED)
def test_a_missing_key_is_named(key):
    assert f"missing key '{key}'" in complaint(without(key))


SCALARS = [path for path in FIXED_PATHS if not isinstance(at_path(complete(), path), dict)]


@pytest.mark.parametrize("path", SCALARS, ids=".".join)
def test_a_value_of_the_wrong_type_is_named(path):
    config = complete()
    at_path(config, path[:-1])[path[-1]] = {"a": "mapping"}
    assert f"'{'.'.join(path)}'" in complaint(config)


@pytest.mark.parametrize(
    ("key", "value", "expectation"),
    [
        ("surveys.decals.shards", 0, "must be at least 1"),
        ("surveys.decals.shards", 2.5, "must be integer"),
        ("surveys.decals.images.source", "hubble", "must be one of legacysurvey, directory"),
        ("surveys.decals.images.path", 5, "must be string or array"),
        ("surveys.decals.images.path", [], "must have at least 1 entries"),
        ("surveys.decals.images.path", ["a.zip", "a.zip"], "must have no entry twice"),
        ("surveys.decals.cuts.mag_r.above", "bright", "must be number"),
        ("surveys.decals.exclude", ["a", "a"], "must have no entry twice"),
        ("nsa.flux_index", -1, "must be at least 0"),
        ("legacysurvey.url", "legacysurvey.org", "must match"),
        ("legacysurvey.parallel", 33, "must be at most 32"),
        ("legacysurvey.contact", 5, "must be string or null"),
        ("cutouts.jpeg_quality", 101, "must be at most"),
        ("cutouts.pixel_scale.minimum", 0, "must be above 0"),
        ("cutouts.colour.scales.g", -0.008, "must be above 0"),
        ("cutouts.colour.arcsinh_range", [1.0], "must have at least 2 entries"),
        ("cutouts.max_failed_share", 1.5, "must be at most 1"),
        ("pretraining.shown", "All Tasks", "must match"),
        ("pretraining.seed", 2**32, "must be at most"),
        ("pretraining.seed", True, "must be integer"),
        ("representation.crop_size", 31, "must be at least 32"),
        ("pca.components", [], "must have at least 1 entries"),
        ("umap.threshold", 1, "must be below 1"),
        ("umap.n_neighbors", 1, "must be at least 2"),
        ("finetune.sizes", [], "must have at least 1 entries"),
        ("finetune.split.copies", 0, "must be at least 1"),
        ("finetune.precision", "mixed_float16", "must be one of float32, mixed_bfloat16"),
        ("finetune.runs_of_a_job", 5, "must be one of one, all"),
        ("figures.dpi", "high", "must be integer"),
        ("figures.width", "6,97", "must be number"),
    ],
)
def test_a_value_out_of_range_is_named_with_what_is_expected(key, value, expectation):
    message = complaint(changed(key, value))
    assert f"'{key}'" in message
    assert expectation in message


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("pca.components", [10, 15, 1281], "'pca.components.2': must be at most 1280"),
        ("figures.show", ["figure_20"], "'figures.show.0': must be one of figure_1"),
        ("surveys.decals.cuts.mag_r", {}, "'surveys.decals.cuts.mag_r'"),
        ("surveys.Decals", {}, '"Decals"'),
        ("surveys", {}, "'surveys'"),
        ("umap.min_dist", math.nan, "'umap.min_dist'"),
        ("surveys.decals.cuts.mag_r.below", math.inf, "'surveys.decals.cuts.mag_r.below'"),
    ],
)
def test_an_impossible_value_is_named(key, value, named):
    assert named in complaint(changed(key, value))


@pytest.mark.parametrize("config", [None, [], "config.yaml"])
def test_a_configuration_that_is_no_mapping_is_reported(config):
    complaint(config)


def test_checking_changes_nothing():
    config = load()
    check_config(config)
    assert config == load()


# Read outside of Snakemake


@pytest.mark.parametrize("overlays", [(), *OVERLAYS])
def test_a_configuration_is_read_as_snakemake_merges_it(overlays):
    assert read_config(CONFIG / name for name in overlays) == load(*overlays)


@pytest.mark.parametrize("text", ["a: [", "- a", "", "\ta: 1", "pca: {components: [0]}"])
def test_a_file_that_is_no_configuration_is_reported_in_one_line(tmp_path, text):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    for name in (path, tmp_path / "missing.yaml"):
        with pytest.raises(UserError) as caught:
            read_config([name])
        assert "\n" not in str(caught.value)
        assert name.name in str(caught.value) or "pca.components.0" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"surveys": {"decals": {"shards": 4.0}}}, "'surveys.decals.shards': must be integer"),
        ({"umap": {"seed": True}}, "'umap.seed': must be integer, not true"),
        ({"finetune": {"repeats": 10**9}}, "'finetune.repeats': must be at most 999"),
        ({"probe": {"repeats": 10**9}}, "'probe.repeats': must be at most 999"),
        ({"anomalies": {"repeats": 10**9}}, "'anomalies.repeats': must be at most 999"),
    ],
)
def test_numbers_that_are_no_counts_are_refused(change, message):
    with pytest.raises(UserError) as caught:
        check_config(merged(load(), change))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"figures:\n  width: 7.0\n  width: 8.0\n", "key 'width' is given twice, again in line 3"),
        (b"a: 1\n'a': 2\n", "key 'a' is given twice, again in line 2"),
        (b"a: {b: 1, c: 2, b: 1}\n", "key 'b' is given twice, again in line 1"),
        ("name: m\u00fcnchen".encode("latin-1"), "utf-8"),
        (b"[1, 2]", "no keys"),
        (b"", "no keys"),
        (b"a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
    ],
)
def test_a_file_that_is_no_configuration_is_named(tmp_path, content, message):
    path = tmp_path / "change.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_file(path)
    assert str(caught.value).startswith(f"{path}: not a configuration")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_key_of_the_same_name_in_another_place_is_no_repetition(tmp_path):
    path = tmp_path / "change.yaml"
    path.write_text("a: {b: 1}\nc: &c {b: 2}\nd: {<<: *c, b: 3}\n")
    assert read_file(path) == {"a": {"b": 1}, "c": {"b": 2}, "d": {"b": 3}}

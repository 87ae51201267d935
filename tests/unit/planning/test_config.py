"""The configuration: the paper's numbers, and mistakes told in one line that names the key."""

import copy
import functools
import math
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from snakemake.utils import update_config

from workflow.lib.common.errors import UserError
from workflow.lib.planning.config import SCHEMA, check_config, read_config
from workflow.lib.planning.grid import (
    FIGURE_SAMPLES,
    FINETUNING_FIGURES,
    PAPER_RUNS,
    finetuning_runs,
    parse_shard,
    shard_names,
    weights_file,
)

CONFIG = Path(__file__).parents[3] / "config"
OVERLAYS = [
    ("toy.yaml",),
    ("own.yaml",),
    ("toy.yaml", "sky.yaml"),
    ("own.yaml", "label.yaml"),
    ("desi.yaml",),
]
PLACEHOLDERS = {
    "surveys": "<name>",
    "cuts": "<column>",
    "weights": "<pretraining>",
    "tasks": "<pretraining>",
    "epochs_of": "<pretraining>",
    "questions": "<question>",
    "labels": "<label>",
    "fractions": "<tag>",
    "methods": "<method>",
    "depths": "<pretraining>",
    "galaxies_of": "<name>",
    "rules": "<rule>",
}
"""What stands in a key where the user chooses the word, by the key above it."""

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
    "similarity.components": 10,
    "similarity.metric": "manhattan",
    "similarity.same_within": 100,
    "similarity.most_common": 18,
    "similarity.neighbours": 50,
    "anomalies.components": 40,
    "anomalies.ellipses": {"channel": 0, "sigma": 3.0, "percentiles": [90, 80, 70, 60, 50, 0]},
    "anomalies.searches.gaussian-process.batch": 10,
    "anomalies.searches.gaussian-process.kernel": "rational-quadratic",
    "anomalies.searches.gaussian-process.acquisition": "expected-improvement",
    "anomalies.searches.gaussian-process.epsilon": 0.5,
    "anomalies.searches.isolation-forest": {
        "trees": 100,
        "alpha": 1.0,
        "floor": 0.1,
        "slope": 0.85,
    },
    "anomalies.ratings": 200,
    "anomalies.repeats": 15,
    "anomalies.tops": [50, 200],
    "anomalies.longest": 500,
    "anomalies.sigmas": 3.0,
    "figures.anomalies.figure_3": ["gz2-odd"],
    "figures.anomalies.figure_5": ["decals-merger", "decals-ring", "decals-irregular"],
    "figures.anomalies.figure_6.among": 200,
    "finetune.labels.ring.above": 0.25,
    "finetune.labels.ring.below": 0.05,
    "finetune.labels.ring.cuts": {
        "smooth-or-featured_smooth_automated-fraction": {"below": 0.25},
        "disk-edge-on_no_automated-fraction": {"above": 0.75},
    },
    "finetune.sizes": [1, 3, 8, 21, 58, 159, 438, 1207, 3327, 9167, 25263, 69620],
    "finetune.repeats": 5,
    "finetune.split": {"validation_share": 0.1, "test_share": 0.2, "copies": 5},
    "finetune.head": {"units": [64, 64], "dropout": 0.75},
    "finetune.batch_size": 256,
    "finetune.stages.frozen": {
        "learning_rate": 1e-3,
        "images_seen": 5_000_000,
        "patience": {"part": 6, "least": 10, "most": 30},
    },
    "finetune.stages.finetuned": {
        "learning_rate": 1e-5,
        "images_seen": 5_000_000,
        "patience": {"part": 6, "least": 10, "most": 30},
    },
    "cost.galaxies_of": {"decals": 305_657, "gz2": 61_578},
    "figures.survey": "decals",
    "figures.neighbours": {"per_row": 8, "crop": 120},
}
SIMULATION = {
    "galaxies": 1,
    "seed": 1,
    "merging_share": 0.1,
    "instrument": {
        "pixel_scale": 0.262,
        "seeing_fwhm": [1.0, 1.0, 1.0],
        "noise": [1.0, 1.0, 1.0],
        "sky": [1.0, 1.0, 1.0],
        "saturation": [1.0, 1.0, 1.0],
        "seeing_scatter": 0.1,
        "depth_scatter": 0.1,
        "noise_correlation": 0.1,
        "background_scatter": 0.1,
    },
}


@functools.cache
def parsed(path):
    return yaml.safe_load(path.read_text())


def load(*overlays):
    config = copy.deepcopy(parsed(CONFIG / "config.yaml"))
    for name in overlays:
        update_config(config, copy.deepcopy(parsed(CONFIG / name)))
    return config


def complete():
    """The shipped configuration with a simulation, so that every key of the schema is in it."""
    return load("toy.yaml")


def at(config, key):
    for name in key.split("."):
        config = config[name]
    return config


def changed(key, value, config=None):
    config = load() if config is None else config
    parent, _, name = key.rpartition(".")
    (at(config, parent) if parent else config)[name] = value
    return config


def without(key):
    config = load()
    parent, _, name = key.rpartition(".")
    del (at(config, parent) if parent else config)[name]
    return config


def complaint(config):
    with pytest.raises(UserError) as caught:
        check_config(config)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("config: ")
    return message


def paths(config, above=()):
    for name, value in config.items():
        yield (*above, name)
        if isinstance(value, dict):
            yield from paths(value, (*above, name))


def general(path):
    """Give a path of a configuration as a key of the schema."""
    return ".".join(
        PLACEHOLDERS.get(path[place - 1], name) if place else name
        for place, name in enumerate(path)
    )


def leaves(config):
    """The keys of a configuration that hold no further keys."""
    return {general(path) for path in paths(config) if not isinstance(at_path(config, path), dict)}


def at_path(config, path):
    for name in path:
        config = config[name]
    return config


def schema_keys(schema, root, above=()):
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    below = dict(schema.get("properties", {}))
    if isinstance(schema.get("additionalProperties"), dict):
        below[PLACEHOLDERS[above[-1]]] = schema["additionalProperties"]
    if not below:
        yield ".".join(above)
    for name, value in below.items():
        yield from schema_keys(value, root, (*above, name))


def all_schema_keys():
    schema = parsed(SCHEMA)
    return list(schema_keys(schema, schema))


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
def test_the_papers_numbers_stand_in_the_configuration(key):
    assert at(load(), key) == PAPER[key]


def test_the_papers_figures_are_shown_by_default():
    assert set(FIGURE_SAMPLES) <= set(load()["figures"]["show"])
    assert set(FIGURE_SAMPLES.values()) == set(load()["umap"]["samples"])
    assert set(FINETUNING_FIGURES) <= set(load()["figures"]["show"])


def test_the_papers_fine_tuning_grid_has_2940_models():
    runs = finetuning_runs(load()["finetune"])
    assert len(runs) == len({run.path for run in runs}) == PAPER_RUNS == 1_500
    assert sum(run.models for run in runs) == 2_940
    of_one = [run for run in runs if (run.size, run.repeat) == (438, 0)]
    assert len(of_one) == 25
    assert sum(run.models for run in of_one) == 49
    # Each has a split of its own, and a changed grid leaves them as they are.
    assert len({run.seed(1, "ring") for run in runs}) == 1_500
    assert runs[0].seed(1, "ring") != runs[0].seed(2, "ring")
    assert runs[0].seed(1, "ring") != runs[0].seed(1, "bar")


@pytest.mark.parametrize("names", [names for names in OVERLAYS if "label.yaml" not in names])
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


def test_a_key_too_many_is_named_with_its_nearest_neighbour():
    message = complaint(changed("cutouts.thumbnail_sise", 424))
    assert message == (
        "config: unknown key 'cutouts.thumbnail_sise'; did you mean 'thumbnail_size'?"
    )


def test_a_key_like_no_other_is_answered_with_the_known_ones():
    assert "known here: flux_column, flux_index, zero_point" in complaint(changed("nsa.zzz", 1))


REQUIRED = [
    ".".join(path)
    for path in sorted(set(paths(load())) - CHOSEN_FREELY)
    if not {"cuts", "exclude", "catalogue", "tags"} & set(path[2:]) and path[-1] != "path"
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
def test_a_value_that_cannot_be_is_named(key, value, named):
    assert named in complaint(changed(key, value))


@pytest.mark.parametrize("config", [None, [], "config.yaml"])
def test_a_file_that_is_no_configuration_is_told(config):
    complaint(config)


CATALOGUE = "surveys.decals.catalogue"


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("representation.crop_size", 301, ["representation.crop_size", "cutouts.network_size"]),
        ("cutouts.network_size", 425, ["cutouts.network_size", "cutouts.thumbnail_size"]),
        ("figures.representation.crop", 212, ["figures.representation.crop", "212"]),
        ("figures.neighbours.crop", 212, ["figures.neighbours.crop", "212"]),
        ("figures.neighbours.per_row", 52, ["figures.neighbours.per_row", "51"]),
        ("similarity.components", 20, ["similarity.components", "pca.components"]),
        ("similarity.retrieval.components", [10, 20], ["retrieval.components", "20"]),
        ("similarity.retrieval.first", [10, 51], ["retrieval.first", "similarity.neighbours"]),
        ("surveys.decals.tags.fractions", {"ring": ["a"]}, ["decals.tags", "'table'"]),
        ("cutouts.colour.arcsinh_range", [300.0, 300.0], ["cutouts.colour.arcsinh_range"]),
        ("umap.components", 20, ["umap.components", "pca.components"]),
        ("pretraining.shown", "zoobot", ["pretraining.shown", "pretraining.weights"]),
        ("pretraining.made", ["all", "hsc"], ["pretraining.made", "hsc"]),
        ("pretraining.survey", "hsc", ["pretraining.survey", "hsc", "decals"]),
        ("pretraining.tasks.bar", ["baar"], ["pretraining.tasks.bar", "baar"]),
        ("pretraining.questions.rare-features", ["ring", "irregular"], ["rare-features", "never"]),
        ("pretraining.split.test_share", 0.95, ["pretraining.split"]),
        ("pretraining.concentrations", [5, 5], ["pretraining.concentrations"]),
        ("pretraining.gpus", [1, 2, 3], ["pretraining.gpus", "3", "(512)"]),
        ("probe.components", 20, ["probe.components", "pca.components"]),
        ("probe.labels.ring.below", 0.5, ["probe.labels.ring", "0.5"]),
        ("pretraining.epochs_of", {"smoth": 3}, ["pretraining.epochs_of.smoth", "bulge-size"]),
        ("probe.surveys", ["gz2"], ["probe.surveys", "gz2"]),
        ("anomalies.components", 20, ["anomalies.components", "pca.components"]),
        ("anomalies.searches.isolation-forest.floor", 0.15, ["isolation-forest", "floor"]),
        ("figures.anomalies.figure_6.crop", 212, ["figure_6.crop", "212"]),
        ("finetune.task", "bars", ["finetune.task", "bars", "ring"]),
        ("finetune.labels.ring.below", 0.5, ["finetune.labels.ring", "0.5"]),
        ("finetune.labels.ring.survey", "hsc", ["finetune.labels.ring.survey", "hsc"]),
        (
            "finetune.labels.ring.cuts",
            {"a": {"above": 1, "below": 1}},
            ["finetune.labels.ring.cuts.a"],
        ),
        ("finetune.depths.smoth", ["top"], ["finetune.depths.smoth", "bulge-size"]),
        ("finetune.depths.scratch", ["top"], ["finetune.depths.scratch", "[all]"]),
        ("finetune.split.test_share", 0.9, ["finetune.split"]),
        ("finetune.stages.frozen.patience.least", 31, ["finetune.stages.frozen.patience"]),
        ("finetune.predict.pretraining", "hsc", ["finetune.predict.pretraining", "hsc"]),
        ("finetune.predict.surveys", ["hsc"], ["finetune.predict.surveys", "hsc"]),
        ("pretraining.weights.scratch", "a.h5", ["pretraining", "scratch"]),
        ("pca.batch_size", 39, ["pca.batch_size", "pca.components"]),
        ("figures.survey", "hsc", ["figures.survey", "hsc", "decals"]),
        ("figures.pca.surveys", ["decals", "hsc"], ["figures.pca.surveys", "hsc"]),
        (f"{CATALOGUE}.table", "a.csv", [CATALOGUE, "'nsa'", "'table'"]),
        (CATALOGUE, {}, [CATALOGUE, "'nsa'", "'table'"]),
        (CATALOGUE, {"nsa": "a.fits"}, [f"{CATALOGUE}.nsa", f"{CATALOGUE}.automated"]),
        (CATALOGUE, {"table": "a.csv"}, [f"{CATALOGUE}.table", f"{CATALOGUE}.id_column"]),
        (
            "surveys.gz2.images",
            {"source": "directory"},
            ["surveys.gz2.images.source", "surveys.gz2.images.path"],
        ),
        (
            "surveys.decals.images.source",
            "simulated",
            ["surveys.decals.images.source", "surveys.decals.simulation"],
        ),
        ("surveys.decals.cuts.mag_r.above", 17.77, ["surveys.decals.cuts.mag_r", "17.77"]),
    ],
)
def test_keys_that_contradict_each_other_are_named(key, value, named):
    message = complaint(changed(key, value))
    assert [word for word in named if word not in message] == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("representation.crop_size", 300),
        ("cutouts.network_size", 424),
        ("figures.representation.crop", 211),
        ("figures.neighbours.per_row", 50),
        ("pca.batch_size", 40),
        ("surveys.decals.cuts.mag_r", {"below": 17.77}),
        ("surveys.decals.cuts.mag_r.above", 17.76),
        ("legacysurvey.contact", "astronomer@example.org"),
    ],
)
def test_a_value_just_within_its_bounds_passes(key, value):
    check_config(changed(key, value))


def test_figure_2_needs_tags_and_other_figures_do_not():
    config = without("surveys.decals.tags")
    assert "'figures.show' (figure_2) needs 'surveys.decals.tags'" in complaint(config)
    check_config(changed("figures.show", ["figure_1"], config))


def test_a_pretraining_with_weights_can_be_shown():
    config = changed("pretraining.weights.zoobot", "zoobot/checkpoint")
    check_config(changed("pretraining.shown", "zoobot", config))


def test_a_simulated_survey_needs_no_more_than_its_simulation():
    config = changed("surveys.decals.simulation", copy.deepcopy(SIMULATION))
    check_config(changed("surveys.decals.images.source", "simulated", config))


def test_checking_changes_nothing():
    config = load()
    check_config(config)
    assert config == load()


# Read outside of Snakemake


@pytest.mark.parametrize("overlays", [(), *OVERLAYS])
def test_a_configuration_is_read_as_snakemake_merges_it(overlays):
    assert read_config(CONFIG / name for name in overlays) == load(*overlays)


@pytest.mark.parametrize("text", ["a: [", "- a", "", "\ta: 1", "pca: {components: [0]}"])
def test_a_file_that_is_no_configuration_is_told_in_one_line(tmp_path, text):
    path = tmp_path / "own.yaml"
    path.write_text(text)
    for name in (path, tmp_path / "missing.yaml"):
        with pytest.raises(UserError) as caught:
            read_config([name])
        assert "\n" not in str(caught.value)
        assert name.name in str(caught.value) or "pca.components.0" in str(caught.value)


# Schema, configurations and README.md tell of the same keys

OPTIONAL: set[str] = set()
"""Keys that no shipped configuration has."""


def test_every_key_of_the_schema_is_in_a_shipped_configuration():
    used = leaves(load()).union(*(leaves(load(*names)) for names in OVERLAYS))
    assert set(all_schema_keys()) - used == OPTIONAL


def test_every_key_of_the_shipped_configurations_is_in_the_schema():
    used = leaves(load()).union(*(leaves(load(*names)) for names in OVERLAYS))
    assert used <= set(all_schema_keys())


def test_no_key_of_the_schema_takes_just_anything():
    schema = parsed(SCHEMA)

    def closed(node, where):
        if isinstance(node, dict):
            if node.get("type") == "object":
                assert "additionalProperties" in node, where
                assert node["additionalProperties"] is not True, where
            for name, value in node.items():
                closed(value, f"{where}.{name}")

    closed(schema, "schema")


def test_the_readme_has_one_row_for_each_key():
    rows = re.findall(r"^\| `([^`]+)` \|", (CONFIG / "README.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(all_schema_keys())


def test_each_row_of_the_readme_is_filled_in():
    for line in (CONFIG / "README.md").read_text().splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            assert len(cells) == 4, line
            assert all(cells), line


# The shards' names


@given(st.integers(1, 99999))
def test_a_shards_name_tells_its_index_and_count(count):
    names = shard_names(count)
    assert len(set(names)) == count
    assert sorted(names) == names
    assert [parse_shard(name) for name in (names[0], names[-1])] == [(0, count), (count - 1, count)]


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("all/encoder.weights.h5", "all/encoder.weights.h5"),
        ("<downloads>/efficientnetb0_notop.h5", "<downloads>/efficientnetb0_notop.h5"),
        ("zoobot/checkpoint", "zoobot/checkpoint.index"),
        ("zoobot/checkpoint.index", "zoobot/checkpoint.index"),
    ],
)
def test_a_checkpoint_may_go_by_its_prefix(path, file):
    assert weights_file(path) == file

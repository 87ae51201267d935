"""Keys of the configuration that contradict each other are named."""

import copy

import pytest

from tests.unit.planning.configurations import SIMULATION, changed, complaint, without
from workflow.lib.planning.config import check_config
from workflow.lib.planning.grid import finetuning_runs, predicts_votes

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
        ("pretraining.finals.final", "bars", ["pretraining.finals.final", "bars"]),
        ("pretraining.finals.bar", "all", ["pretraining.finals.bar", "pretraining.tasks"]),
        ("pretraining.finals.random", "all", ["pretraining", "random"]),
        ("pretraining.weights.all", "all.h5", ["pretraining.shown", "(final)", "weights"]),
        ("pretraining.epochs_of.final", 3, ["pretraining.epochs_of.final"]),
        ("probe.pretrainings", ["all", "final"], ["probe.pretrainings", "final", "held out"]),
        ("pretraining.made", ["all", "hsc"], ["pretraining.made", "hsc"]),
        ("pretraining.survey", "hsc", ["pretraining.survey", "hsc", "decals"]),
        ("pretraining.tasks.bar", ["baar"], ["pretraining.tasks.bar", "baar"]),
        ("pretraining.questions.rare-features", ["ring", "irregular"], ["rare-features", "never"]),
        ("pretraining.split.test_share", 0.95, ["pretraining.split"]),
        ("pretraining.concentrations", [5, 5], ["pretraining.concentrations"]),
        ("pretraining.gpus", [1, 2, 3], ["pretraining.gpus", "3", "(128)"]),
        ("probe.components", 20, ["probe.components", "pca.components"]),
        ("probe.labels.ring.below", 0.5, ["probe.labels.ring", "0.5"]),
        ("pretraining.epochs_of", {"smoth": 3}, ["pretraining.epochs_of.smoth", "bulge-size"]),
        ("probe.surveys", ["gz2"], ["probe.surveys", "gz2"]),
        ("anomalies.components", 20, ["anomalies.components", "pca.components"]),
        ("anomalies.searches.isolation-forest.floor", 0.15, ["isolation-forest", "floor"]),
        ("anomalies.methods.baseline.settings", {"batch": 1}, ["baseline.settings", "search"]),
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
        ("finetune.depths.all", ["frozen"], ["finetune.depths.all", "frozen", "tables"]),
        ("finetune.split.test_share", 0.9, ["finetune.split"]),
        ("finetune.stages.frozen.patience.least", 31, ["finetune.stages.frozen.patience"]),
        ("finetune.predict.pretraining", "hsc", ["finetune.predict.pretraining", "hsc"]),
        ("finetune.predict.surveys", ["hsc"], ["finetune.predict.surveys", "hsc"]),
        ("finetune.predict.size", 69_621, ["finetune.predict.size", "69620", "finetune.sizes"]),
        ("pretraining.weights.scratch", "a.h5", ["pretraining", "scratch"]),
        ("compare.encoders", ["all", "final"], ["compare.encoders", "final", "bulge-size"]),
        ("compare.method", "cnn-gpp", ["compare.method", "cnn-gpp", "ellipse-gp"]),
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


def test_a_table_of_representations_can_be_shown_and_its_head_trained():
    given = {"representation": "dino_{survey}.parquet", "standardise": True}
    config = changed("pretraining.weights.dino", given)
    config = changed("finetune.depths.dino", ["frozen"], config)
    check_config(changed("pretraining.shown", "dino", config))
    assert not predicts_votes(config["pretraining"], "dino")
    runs = [run for run in finetuning_runs(config["finetune"]) if run.pretraining == "dino"]
    assert sum(run.models for run in runs) == len(runs) == 60


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "missing key 'pretraining.weights.dino.representation'"),
        ({"represent": "a.csv"}, "unknown key 'pretraining.weights.dino.represent'; did you mean"),
        ({"representation": 5}, "'pretraining.weights.dino.representation': must be string"),
        (5, "'pretraining.weights.dino': must be string or object, not 5"),
    ],
)
def test_a_table_of_representations_with_other_keys_is_refused(given, message):
    assert message in complaint(changed("pretraining.weights.dino", given))


def test_a_final_pretraining_can_be_given_too():
    config = changed("pretraining.weights.final", "zoobot/checkpoint")
    check_config(changed("pretraining.weights.all", "all.h5", config))


def test_a_simulated_survey_needs_no_more_than_its_simulation():
    config = changed("surveys.decals.simulation", copy.deepcopy(SIMULATION))
    check_config(changed("surveys.decals.images.source", "simulated", config))

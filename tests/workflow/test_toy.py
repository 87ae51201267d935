"""The whole workflow, run on the smallest simulated sky."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from sklearn.neighbors import NearestNeighbors

from tests.conftest import ROOT
from workflow.lib.common.images import thumbnail_of
from workflow.lib.network.encoder import load_encoder
from workflow.lib.planning.config import merged
from workflow.lib.represent.embed import represent_thumbnail
from workflow.lib.represent.pca import read_compressor
from workflow.lib.represent.vector_files import read_representation
from workflow.lib.similarity.nearest import nearest

RESULTS = "results/toy"
SHOWN = yaml.safe_load((ROOT / "config/toy.yaml").read_text())["pretraining"]["shown"]
CLAIMED = {"compare_claims", "record_provenance"}
"""Rules that run again after any other."""

EXPECTED = ROOT / "tests/toy/expected.json"


def key_numbers(folder):
    """Gather numbers that change if any stage changes."""
    results = folder / RESULTS
    counts = json.loads((results / "1_catalogue/decals/selection_counts.json").read_text())
    catalogue = pd.read_parquet(results / "1_catalogue/decals.parquet")
    greys = [
        np.frombuffer(b"".join(pd.read_parquet(path)["grey"]), np.uint8)
        for path in sorted((results / "2_cutouts/decals").glob("*.parquet"))
    ]
    # By random weights, since trained ones depend on the order in which threads sum.
    representation = results / "4_represent/decals/random"
    variance = pd.read_csv(representation / "pca40.variance.csv")
    return {
        "galaxies_left": [row["left"] for row in counts],
        "mean_mag_r": float(catalogue["mag_r"].mean()),
        "mean_smooth_fraction": float(catalogue["smooth-or-featured_smooth_fraction"].mean()),
        "mean_grey": float(np.concatenate(greys).mean()),
        "scatter_of_representation": float(
            read_representation(representation / "representation.parquet")[1].std()
        ),
        "variance_of_15": float(variance["cumulative"].iloc[14]),
    }


def test_every_figure_exists_as_pdf_png_and_source_data(finished):
    drawn = [1, 2, 7, 8, 9, "A1", "A2", "pca"]
    for name in [f"figure_{number}" for number in drawn]:
        stem = finished.folder / RESULTS / "8_figures" / name
        assert stem.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
        with Image.open(stem.with_suffix(".png")) as picture:
            assert np.asarray(picture).std() > 10
        assert len(pd.read_csv(stem.with_suffix(".csv"))) > 1


def test_key_numbers_equal_the_stored_ones(finished):
    """Counts are exact; means agree to 0.2%, to allow for other CPUs and compilers."""
    expected = json.loads(EXPECTED.read_text())
    found = key_numbers(finished.folder)
    assert found.keys() == expected.keys()
    assert found.pop("galaxies_left") == expected.pop("galaxies_left")
    assert found == pytest.approx(expected, rel=2e-3)


def test_encoders_describe_their_training(finished):
    described = {
        path.parent.name: json.loads(path.read_text())
        for path in (finished.folder / RESULTS / "3_pretrain").glob("*/encoder.json")
    }
    # Labels are shown in figures.
    learned = described["all"]["training"]["galaxies"]
    label = f"encoder trained on the votes for {learned} simulated galaxies"
    assert described["all"]["label"] == label
    assert "stand-in for ImageNet" in described["imagenet"]["label"]
    assert "random weights" in described["random"]["label"]
    assert described["random"]["training"] is None
    assert described["bar"]["training"]["questions"] == ["bar"]
    assert len(described["all"]["training"]["questions"]) == 10
    assert described["imagenet"]["channels"] == 3


def test_a_final_pretraining_learns_from_all_labelled_galaxies_as_long_as_its_task(branch):
    change = "pretraining: {shown: final}"
    assert branch.jobs(f"pretraining {branch.toy_with(change)}") == {
        "pretrain_encoder": 1,
        "pretraining": 1,
    }
    made = branch.folder / RESULTS / "3_pretrain"
    branch.toy(f"{RESULTS}/3_pretrain/final/votes/decals.parquet", change)
    task, final = (
        json.loads((made / name / "encoder.json").read_text()) for name in (SHOWN, "final")
    )
    table = pd.read_parquet(branch.folder / RESULTS / "1_catalogue/decals.parquet")
    pictured = pd.read_csv(branch.folder / RESULTS / "2_cutouts/decals/images.csv")["iauname"]
    answers = [f"smooth-or-featured_{name}" for name in ("smooth", "featured-or-disk", "artifact")]
    labelled = table.set_index("iauname").loc[pictured, answers].sum(axis=1) >= 3
    assert final["training"]["galaxies"] == labelled.sum() > task["training"]["galaxies"]
    assert final["training"]["questions"] == task["training"]["questions"]
    losses = pd.read_csv(made / SHOWN / "learning_curve.csv")["validation_loss"]
    assert len(pd.read_csv(made / "final/learning_curve.csv")) == losses.argmin() + 1
    # None of them is left to test it on.
    assert not pd.read_parquet(made / "final/votes/decals.parquet")["held_out"].any()


def test_evaluation_has_each_question_of_each_pretraining(finished):
    table = pd.read_csv(finished.folder / RESULTS / "3_pretrain/evaluation.csv")
    assert table["pretraining"].value_counts().to_dict() == {"all": 10, "bar": 1}
    assert (table["galaxies"] > 0).all()
    assert table["loss"].between(0, 10).all()


def test_all_encoders_are_probed_on_the_galaxies_held_out_from_training(finished):
    table = pd.read_csv(finished.folder / RESULTS / "4_represent/decals/probe.csv")
    table = table.set_index("pretraining")
    assert set(table.index) == {"random", "imagenet", "all"}
    assert table["auc"].between(0, 1).all()
    assert table["galaxies"].nunique() == table["positives"].nunique() == 1
    catalogue = pd.read_parquet(finished.folder / RESULTS / "1_catalogue/decals.parquet")
    rings = catalogue["rare-features_ring_fraction"].dropna()
    # A fifth of the galaxies is held out; the ones between are left out.
    assert table["galaxies"].iloc[0] < 0.4 * len(rings)


def test_featured_and_spiral_samples_are_nested(finished):
    names = {
        sample: set(
            pd.read_parquet(
                finished.folder / RESULTS / f"4_represent/decals/all/umap_{sample}.parquet"
            )["iauname"]
        )
        for sample in ["all", "featured", "spiral"]
    }
    assert names["spiral"] < names["featured"] < names["all"]


def test_every_galaxy_of_the_catalogue_has_an_image_or_a_reason_for_its_failure(finished):
    results = finished.folder / RESULTS
    for survey in ["decals", "gz2"]:
        catalogue = pd.read_parquet(results / f"1_catalogue/{survey}.parquet")
        paths = sorted((results / "2_cutouts" / survey).glob("*.parquet"))
        failed = [pd.read_csv(path.with_suffix(".failed.csv"), dtype=str) for path in paths]
        images = [pd.read_parquet(path, columns=["iauname"]) for path in paths]
        found = pd.concat([*images, *failed])["iauname"]
        assert sorted(found) == sorted(catalogue["iauname"])
        assert pd.concat(failed)["reason"].notna().all()


def test_neighbours_are_the_nearest_by_principal_components(finished):
    """Compared with scikit-learn, for the galaxy that got each tag most often."""
    results = finished.folder / RESULTS
    names, vectors = read_representation(results / f"4_represent/decals/{SHOWN}/pca10.parquet")
    table = pd.read_parquet(results / f"5_similarity/decals/{SHOWN}/neighbours.parquet")
    tags = pd.read_parquet(results / "5_similarity/decals/tags.parquet")
    # Tags are given only for what is plainly seen: the smallest sky has nine of them.
    assert table["tag"].nunique() >= 8
    search = NearestNeighbors(metric="manhattan", algorithm="brute").fit(vectors)
    for (tag, query), ranked in table.groupby(["tag", "query"]):
        uses = tags[(tags["tag"] == tag) & tags["iauname"].isin(names)].set_index("iauname")["uses"]
        assert uses[query] == uses.max()
        _, rows = search.kneighbors(vectors[[names.index(query)]], 51)
        assert ranked["iauname"].tolist() == [names[row] for row in rows[0]][1:]
    figure = pd.read_csv(results / "8_figures/figure_2.csv")
    assert (figure.groupby("tag").size() == 8).all()
    neighbours = figure[figure["rank"] > 0].merge(table, on=["tag", "rank"])
    assert (neighbours["iauname_x"] == neighbours["iauname_y"]).all()


def test_retrieval_is_measured_for_tags_and_answers_in_each_representation(finished):
    folder = finished.folder / RESULTS / f"5_similarity/decals/{SHOWN}"
    table = pd.read_csv(folder / "retrieval.csv")
    assert set(table["representation"]) == {"pca10", "pca40", "full"}
    assert set(table["metric"]) == {"manhattan", "euclidean"}
    assert set(table["first"]) == {10, 50}
    assert set(table["kind"]) == {"tag", "answer"}
    assert (table["precision"].between(0, 1) & table["base_rate"].between(0, 1)).all()
    shared = pd.read_csv(folder / "shared_votes.csv").dropna()
    assert len(shared)
    assert shared["p"].between(0, 1).all()


def test_an_image_finds_the_galaxy_that_it_shows(finished):
    """From the image to the neighbours, as on the web page: its own galaxy is the nearest."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    config = merged(config, yaml.safe_load((finished.folder / "config/toy.yaml").read_text()))
    results = finished.folder / RESULTS
    folder = results / f"4_represent/decals/{SHOWN}"
    names, vectors = read_representation(folder / "pca10.parquet")
    size = config["representation"]["crop_size"]
    encoder, _ = load_encoder(results / f"3_pretrain/{SHOWN}/encoder.weights.h5", size)
    cutouts = pd.read_parquet(results / "2_cutouts/decals/1-of-2.parquet").iloc[3]
    settings = config["cutouts"]
    rgb, _ = thumbnail_of(
        cutouts["thumbnail"], cutouts["iauname"],
        **{key: settings[key] for key in ("thumbnail_size", "colour", "max_missing_share")},
    )  # fmt: skip
    vector = represent_thumbnail(
        rgb, cutouts["iauname"], encoder, read_compressor(folder / "pca10.npz"),
        network_size=settings["network_size"], network_field=settings["network_field"],
        seed=config["representation"]["seed"], views=config["representation"]["views"],
    )  # fmt: skip
    rows, _ = nearest(vectors, vector[np.newaxis], 1)
    assert names[rows[0, 0]] == cutouts["iauname"]
    full = np.load(folder / "representation.npy", mmap_mode="r")
    assert full.shape == (len(names), 1280)


def test_every_model_of_the_grid_is_in_the_table_and_in_a_figure(finished):
    results = finished.folder / RESULTS
    models = pd.read_csv(results / "7_finetune/ring/models.csv")
    assert len(models) == 2 * 2 * 2  # two encoders, two sizes, frozen and fine-tuned
    assert models["accuracy"].between(0, 1).all()
    # Each JSON has the numbers of the table, and everything needed to repeat the run.
    run = json.loads((results / "7_finetune/ring/all/all/n12_r0.json").read_text())
    row = models[(models["pretraining"] == "all") & (models["size"] == 12)].iloc[1]
    assert row["accuracy"] == pytest.approx(run["models"][1]["accuracy"])
    assert run["models"][1]["stage"] == row["stage"] == "finetuned"
    assert {"seed", "settings", "labels", "weights", "versions", "code"} <= run.keys()
    costs = pd.read_csv(results / "7_finetune/ring/costs.csv")
    assert costs["runs"].sum() == 4
    lines = {
        figure: set(pd.read_csv(results / f"8_figures/{figure}.csv")["line"])
        for figure in ["figure_7", "figure_8", "figure_9"]
    }
    assert lines["figure_7"] == {
        "All tasks ('Multi'), Frozen", "All tasks ('Multi'), Finetuned", "ImageNet, Frozen",
    }  # fmt: skip
    assert lines["figure_8"] == {"All tasks ('Multi')"}
    assert lines["figure_9"] == {"Frozen", "All", "Top"}


def test_a_run_repeated_alone_gives_the_same_numbers_and_a_classifier(branch):
    run = f"{RESULTS}/7_finetune/ring/imagenet/top/n4_r0"
    predicted = f"{run}/predictions/decals.parquet"
    jobs = branch.jobs(f"{predicted} --configfile config/toy.yaml")
    assert jobs == {"keep_classifier": 1, "predict_labels": 1}
    branch.toy(predicted)
    scores = [
        [
            (model["loss"], model["accuracy"], model["epochs"])
            for model in json.loads((branch.folder / name).read_text())["models"]
        ]
        for name in (f"{run}.json", f"{run}/run.json")
    ]
    assert scores[0] == scores[1]
    names = [
        name
        for shard in sorted((branch.folder / RESULTS / "2_cutouts/decals").glob("*.parquet"))
        for name in pd.read_parquet(shard, columns=["iauname"])["iauname"]
    ]
    assert pd.read_parquet(branch.folder / predicted)["iauname"].tolist() == names


def test_running_again_does_nothing(finished):
    assert "Nothing to be done" in finished.sh("make toy")


def test_deleting_one_shard_reruns_only_jobs_that_depend_on_it(branch):
    (branch.folder / RESULTS / "2_cutouts/decals/1-of-2.parquet").unlink()
    jobs = branch.jobs("--configfile config/toy.yaml")
    assert jobs == {
        "fetch_cutouts": 1,
        "gather_images": 1,
        "pretrain_encoder": 2,
        "predict_votes": 2,
        "evaluate_pretraining": 1,
        # Every shard by the encoder that is trained again, only this one by the other two.
        "embed_cutouts": 2 * 2 + 2 * 1,
        "gather_representation": 4,
        "compress_representation": 8,
        "probe_representations": 1,
        "unpack_representation": 1,
        "project_representation": 4,
        "find_neighbours": 1,
        "measure_retrieval": 1,
        "measure_overlap": 1,
        "compare_votes": 1,
        "compare_planes": 1,
        "measure_ellipses": 1,
        "gather_ellipses": 1,
        "select_candidates": 4 + 1,  # and the experiments, as in the next two and the scores
        "standardise_features": 8 + 1,
        "hunt_anomalies": 9 + 2,
        "project_ellipses": 1,
        "measure_grouping": 1,
        "score_repeats": 4 + 1,
        "tabulate_scores": 1,
        "show_table": 6,
        "draw_scores": 2,
        "draw_interest": 1,
        "draw_finds": 1,
        "label_galaxies": 1,
        "gather_labelled": 2,
        "finetune_encoder": 2,
        "tabulate_finetuning": 1,
        "draw_finetuning": 3,
        "draw_representation": 3,
        "draw_neighbours": 1,
        "draw_pca_variance": 1,
        "compare_claims": 1,
        "record_provenance": 1,
        "all": 1,
    }


def test_a_checkout_reruns_nothing_but_an_edited_module_reruns_its_rules(branch):
    """With the Slurm profile's triggers; Snakemake's defaults rerun everything after a checkout."""
    triggers = "--configfile config/toy.yaml --rerun-triggers mtime params input"
    branch.sh("find workflow scripts config -type f -exec touch {} +")
    assert branch.jobs(triggers) == {}
    module = branch.folder / "workflow/lib/figures/canvas.py"
    text = module.read_text()
    module.write_text(text + "\nEDITED = True\n")
    jobs = branch.jobs(triggers)
    # The figures, the table, whose note is written by a module of the figures, and what reads them.
    drawn = {"representation", "neighbours", "pca_variance", "scores", "interest", "finds"}
    drawn = {f"draw_{name}" for name in [*drawn, "finetuning"]}
    # The report has the tables of Figures 7 to 9 too.
    assert set(jobs) == {*drawn, "tabulate_scores", "show_table", *CLAIMED, "all"}
    module.write_text(text)
    assert branch.jobs(triggers) == {}


def test_a_changed_setting_reruns_only_the_jobs_that_use_it(branch):
    jobs = branch.jobs(branch.toy_with("umap: {seed: 7}"))
    projected = {"project_representation", "project_ellipses"}
    compared = {"compare_planes", "measure_grouping", *CLAIMED}
    assert set(jobs) == {*projected, *compared, "draw_representation", "draw_interest", "all"}


def test_other_numbers_of_threads_and_shards_give_the_same_results(finished, branch):
    """Catalogue and images by bytes; representations to 1e-4 of their standard deviation.

    TensorFlow sums in another order when the number of threads changes.
    """
    config = yaml.safe_load((branch.folder / "config/toy.yaml").read_text())
    config["surveys"]["decals"]["shards"] = 3
    config["pathvars"]["results"] = "results/other"
    # Not a trained encoder, since training depends on the order of sums.
    config["pretraining"]["shown"] = "random"
    config["representation"]["threads"] = 2
    (branch.folder / "config/toy.yaml").write_text(yaml.safe_dump(config))
    made = "4_represent/decals/random/representation.parquet"
    branch.toy(f"results/other/{made}")

    one, other = finished.folder / RESULTS, branch.folder / "results/other"
    name = "1_catalogue/decals.parquet"
    assert (one / name).read_bytes() == (other / name).read_bytes()
    images = [
        pd.concat(
            pd.read_parquet(path) for path in sorted((root / "2_cutouts/decals").glob("*.parquet"))
        ).reset_index(drop=True)
        for root in (one, other)
    ]
    pd.testing.assert_frame_equal(*images)
    names, vectors = zip(*(read_representation(root / made) for root in (one, other)), strict=True)
    assert names[0] == names[1]
    scatter = vectors[0].std()
    assert np.abs(vectors[0] - vectors[1]).max() < 1e-4 * scatter


def test_a_cutout_of_the_simulated_sky_can_be_made_as_fits(branch):
    name = pd.read_parquet(branch.folder / RESULTS / "1_catalogue/decals.parquet")["iauname"][0]
    path = f"{RESULTS}/0_sources/decals/cutouts/{name}.fits"
    branch.toy(f"'{path}'")
    assert (branch.folder / path).read_bytes().startswith(b"SIMPLE  =")


@pytest.mark.parametrize(
    ("change", "target", "message"),
    [
        (
            "surveys: {decals: {cuts: {petro_theta: {above: 1.0e+9}}}}",
            "catalogue",
            "no galaxy passes the cuts",
        ),
        ("surveys: {decals: {cuts: {petro_teta: {above: 3}}}}", "catalogue", "'petro_teta'"),
        ("surveys: {decals: {shards: 1000}}", "cutouts", "too few for 1000 shards"),
        ("umap: {n_neighbors: 5000}", "figure_1", "too few for umap"),
        ("cutouts: {max_missing_share: 0, max_failed_share: 0}", "cutouts", "missing"),
    ],
)
def test_a_mistake_gives_a_one_line_error(branch, change, target, message):
    output = branch.toy(target, change, check=False)
    errors = [line for line in output.splitlines() if line.startswith("error: ")]
    assert errors
    assert all(message in line for line in errors)
    assert "Traceback" not in output


def test_each_search_for_anomalies_is_repeated_scored_and_drawn(finished):
    results = finished.folder / RESULTS
    for name in ["figure_3", "figure_4", "figure_5", "figure_6"]:
        stem = results / "8_figures" / name
        assert stem.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
        with Image.open(stem.with_suffix(".png")) as picture:
            assert np.asarray(picture).std() > 10
        assert len(pd.read_csv(stem.with_suffix(".csv"))) > 5
    table = pd.read_csv(results / "8_figures/table_1.csv")
    both = ["baseline", "cnn-gp"]
    assert table.groupby("anomaly", sort=False)["method"].apply(list).to_dict() == {
        "odd": ["baseline", "ellipse-gp", "cnn-gp"],
        "merger": both,
        "ring": both,
        "irregular": both,
    }
    assert (table["repeats"] == 2).all()
    assert table["average_precision"].between(0, 1).all()
    for repeat in ["0", "1"]:
        ranked = pd.read_parquet(results / f"6_anomaly/decals-ring/cnn-gp/{repeat}.parquet")
        assert ranked["rated"].notna().sum() == 20

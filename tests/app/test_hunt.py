"""Hunts without the page: ratings, the model's predictions, and invalid requests."""

import threading
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.app.conftest import make_results
from workflow.app.hunt import Hunts, _models
from workflow.app.ratings import RatingFile, Subject
from workflow.lib.anomaly.active_learning import final_ranking, first_batch, next_step
from workflow.lib.common.errors import UserError
from workflow.lib.planning.config import merged
from workflow.lib.represent.standardise import standardise
from workflow.lib.represent.vector_files import read_representation

SUBJECT = Subject("decals", "random", 10)


def settle():
    """Wait until the models of all hunts have finished."""
    done = False
    while not done:
        before = [hunt.history for hunt in OPENED]
        _models.submit(int).result()
        done = before == [hunt.history for hunt in OPENED] and not any(h.learning for h in OPENED)


OPENED = []


@pytest.fixture
def sky(made_up, tmp_path):
    """Hunts among the made-up galaxies, in a temporary folder."""
    OPENED.clear()
    change = {"hunt": {"folder": str(tmp_path / "hunts")}}
    config = merged(made_up.survey.config, change)
    hunts = Hunts(config)

    def begin(name="rings", subject=SUBJECT):
        OPENED.append(hunts.open("decals", name, subject))
        settle()
        return OPENED[-1]

    return SimpleNamespace(
        hunts=hunts, begin=begin, config=config, survey=made_up.survey, folder=tmp_path / "hunts"
    )


def reopened(sky, name="rings"):
    """Return a hunt as a restarted server opens it."""
    for hunt in OPENED:
        hunt.file.close()
    OPENED.clear()
    OPENED.append(Hunts(sky.config).open("decals", name))
    settle()
    return OPENED[0]


def rate_batch(hunt, rating_of):
    for iauname in hunt.history.waiting:
        hunt.answer(iauname, rating_of(iauname))
    settle()


def by_number(iauname):
    return int(iauname[1:]) % 6


def test_a_hunt_shows_what_active_learning_chooses(sky):
    hunt = sky.begin()
    active = hunt._settings
    vectors = standardise(sky.survey.vectors[False])
    rows = first_batch(38, 10, sky.config["anomalies"]["seed"])
    for _ in range(2):
        assert [sky.survey.row(name) for name in hunt.history.waiting] == list(rows[-10:])
        rate_batch(hunt, by_number)
        ratings = np.array([by_number(sky.survey.iaunames[row]) for row in rows])
        step = next_step(vectors, rows, ratings, active, sky.config["anomalies"]["seed"])
        np.testing.assert_array_equal(hunt.learned.interest, step.interest)
        np.testing.assert_array_equal(
            hunt.ranking(hunt.learned), final_ranking(step.interest, rows, ratings)
        )
        rows = np.concatenate([rows, step.batch])


def test_a_reopened_hunt_resumes_with_its_history(sky):
    hunt = sky.begin()
    rate_batch(hunt, by_number)
    hunt.answer(hunt.history.waiting[3], 5)
    again = reopened(sky)
    assert again.history == hunt.history
    assert len(again.learned.ratings) == 11
    assert again.file.subject == SUBJECT


def test_skipped_galaxies_are_not_shown_again_and_not_learned_from(sky):
    hunt = sky.begin()
    rate_batch(hunt, lambda _: None)
    assert hunt.learned is None
    assert len(hunt.history.waiting) == 10
    first = set(hunt.history.batches[0])
    rate_batch(hunt, lambda name: None if by_number(name) == 3 else by_number(name))
    assert len(hunt.learned.ratings) == len(hunt.history.rated) < 10
    assert len(hunt.history.waiting) == 10
    assert not set(hunt.history.waiting) & first


def test_a_hunt_is_finished_when_every_galaxy_was_shown_once(sky):
    hunt = sky.begin()
    for _ in range(4):
        assert not hunt.finished
        rate_batch(hunt, by_number)
    assert hunt.finished
    assert not hunt.learning
    assert [len(batch) for batch in hunt.history.batches] == [10, 10, 10, 8]
    assert len(hunt.history.shown) == len(hunt.learned.ratings) == 38
    assert reopened(sky).finished


def test_predictions_from_an_undone_answer_are_dropped(sky):
    hunt = sky.begin()
    *most, last = hunt.history.waiting
    for iauname in most:
        hunt.answer(iauname, by_number(iauname))
    free = threading.Event()
    _models.submit(free.wait)
    hunt.answer(last, 5)
    assert hunt.learning
    hunt.undo(last)
    free.set()
    settle()
    assert (hunt.learned, hunt.history.waiting) == (None, (last,))
    hunt.answer(last, 0)
    settle()
    assert hunt.learned.ratings == hunt.history.rated
    assert len(hunt.history.batches) == 2


def test_an_answer_of_the_previous_batch_can_be_undone_which_changes_the_next_batch(sky):
    hunt = sky.begin()
    rate_batch(hunt, lambda _: 0)
    second, last = hunt.history.waiting, hunt.history.answers[-1].iauname
    learned = hunt.learned
    assert learned.says_nothing
    hunt.undo(last)
    # The list stays, and says that it is outdated.
    assert (hunt.history.waiting, hunt.learned, hunt.outdated) == ((last,), learned, True)
    assert sorted(hunt.ranking(hunt.learned)) == list(range(38))
    hunt.answer(last, 5)
    settle()
    assert hunt.history.waiting != second
    assert hunt.learned.ratings == hunt.history.rated
    assert not hunt.outdated
    assert not hunt.learned.says_nothing
    again = reopened(sky)
    assert again.history == hunt.history
    for answer in hunt.history.answers[::-1]:
        again.undo(answer.iauname)
    settle()
    assert (again.history.answers, len(again.history.batches)) == ((), 1)


def test_a_changed_rating_is_learned_and_kept(sky):
    hunt = sky.begin()
    rate_batch(hunt, by_number)
    first, second, *_ = (answer.iauname for answer in hunt.history.answers)
    batch, before = hunt.history.waiting, hunt.learned
    hunt.change(first, 5 - by_number(first))
    settle()
    assert hunt.history.waiting == batch
    assert hunt.learned.ratings == hunt.history.rated
    assert not np.array_equal(hunt.learned.interest, before.interest)
    hunt.change(second, None)
    hunt.change(second, None)
    hunt.change("no such galaxy", 5)
    hunt.change(batch[0], 5)
    settle()
    assert [answer[:2] for answer in hunt.history.answers[:2]] == [
        (first, 5 - by_number(first)),
        (second, None),
    ]
    assert len(hunt.learned.ratings) == 9
    assert reopened(sky).history == hunt.history


def test_a_hunt_without_ratings_has_no_predictions(sky):
    hunt = sky.begin()
    rate_batch(hunt, by_number)
    for answer in hunt.history.answers:
        hunt.change(answer.iauname, None)
    settle()
    assert hunt.learned is None


def test_another_answer_for_a_rated_galaxy_is_refused_with_the_reason(sky):
    hunt = sky.begin()
    first, second, *_ = hunt.history.waiting
    hunt.answer(first, 3)
    hunt.answer(second, None)
    with pytest.raises(UserError, match=rf"{first}: your answer \(5\) was not saved.*\(3\)"):
        hunt.answer(first, 5)
    with pytest.raises(UserError, match=rf"{second}: your answer \(0\).*\(skipped\)"):
        hunt.answer(second, 0)
    assert [answer[:2] for answer in hunt.history.answers] == [(first, 3), (second, None)]


def test_repeated_or_late_answers_and_undos_are_ignored(sky):
    hunt = sky.begin()
    first, second, *_ = hunt.history.waiting
    hunt.answer(first, 3)
    hunt.answer(first, 3)
    hunt.undo(second)
    hunt.answer("no such galaxy", 5)
    assert [answer[:2] for answer in hunt.history.answers] == [(first, 3)]
    hunt.undo(first)
    hunt.undo(first)
    assert hunt.history.answers == ()


def test_hunts_are_independent(sky):
    rings, mergers = sky.begin("rings"), sky.begin("mergers")
    assert sky.hunts.open("decals", "rings") is rings
    rings.answer(rings.history.waiting[0], 5)
    assert mergers.history.answers == ()
    assert sky.hunts.names("decals") == ["mergers", "rings"]
    assert sky.hunts.names("gz2") == []


def test_subjects_are_listed_with_the_configured_one_first(sky):
    assert sky.hunts.subjects() == [SUBJECT]


@pytest.mark.parametrize(
    ("survey", "name", "message"),
    [
        ("decals", "mergers", "no hunt in decals has the name 'mergers'"),
        ("hsc", "rings", "no survey has the name 'hsc'"),
        ("../..", "rings", "no survey has the name"),
        ("decals", "", "cannot be named ''"),
        ("decals", "../../etc/passwd", "cannot be named"),
        ("decals", "a" * 41, "cannot be named"),
        ("decals", ".hidden", "cannot be named"),
        ("decals", "two words", "up to 40 letters"),
        ("decals", "line\nbreak", "cannot be named"),
    ],
)
def test_a_hunt_that_cannot_be_opened_gives_a_one_line_error(sky, survey, name, message):
    with pytest.raises(UserError, match=message) as caught:
        sky.hunts.open(survey, name)
    assert "\n" not in str(caught.value)
    assert not sky.folder.exists()


def test_a_hunt_cannot_change_its_representation(sky):
    path = sky.folder / "decals/rings.jsonl"
    RatingFile(path, SUBJECT._replace(components=15)).close()
    with pytest.raises(UserError, match=r"pca15\.parquet: missing; run the workflow first"):
        sky.begin()
    path.unlink()
    with pytest.raises(UserError, match=r"pca15\.parquet: missing"):
        sky.begin(subject=SUBJECT._replace(components=15))
    assert sky.hunts.names("decals") == []
    sky.begin()
    with pytest.raises(UserError, match="began with random, 10 principal components"):
        sky.hunts.open("decals", "rings", SUBJECT._replace(components=40))


def test_a_hunt_with_unknown_galaxies_is_refused_and_its_file_is_closed(sky):
    path = sky.folder / "decals/rings.jsonl"
    file = RatingFile(path, SUBJECT)
    file.show(["J0001", "J0003"])
    file.close()
    for _ in "ab":
        with pytest.raises(UserError, match=r"rings\.jsonl: J0003 is not a galaxy of decals"):
            sky.begin()


def test_features_that_are_not_finite_raise_an_error(made_up, tmp_path):
    config, _ = make_results(tmp_path / "results", made_up.names)
    path = tmp_path / "results/4_represent/decals/random/pca10.parquet"
    table = pq.read_table(path)
    _, vectors = read_representation(path)
    vectors = vectors.copy()
    vectors[3, 2] = np.nan
    from workflow.lib.represent.vector_files import representation_schema, representation_table

    pq.write_table(
        representation_table(table["iauname"].to_pylist(), vectors, representation_schema(10)), path
    )
    change = {"hunt": {"folder": str(tmp_path / "hunts")}}
    with pytest.raises(UserError, match="1 of 40 galaxies have features that are not finite"):
        Hunts(merged(config, change)).open("decals", "rings", SUBJECT)


def test_a_failed_model_is_reported_and_the_ratings_are_kept(sky, monkeypatch):
    hunt = sky.begin()
    *_, last = hunt.history.waiting
    monkeypatch.setattr(hunt, "_vectors", None)
    rate_batch(hunt, by_number)
    assert "the terminal shows the error" in hunt.problem
    assert len(hunt.history.rated) == 10
    monkeypatch.undo()
    hunt.undo(last)
    hunt.answer(last, 1)
    settle()
    assert (hunt.problem, len(hunt.history.waiting)) == ("", 10)

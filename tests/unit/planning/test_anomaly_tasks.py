"""The table of anomalies to look for: the paper's numbers, and mistakes reported in one line."""

import pytest

from workflow.lib.common.errors import UserError
from workflow.lib.planning.anomaly_tasks import (
    check_shown,
    every_task,
    experiments,
    read_samples,
    read_tasks,
)
from workflow.lib.planning.config import read_config

SURVEYS = ["decals", "gz2"]
METHODS = ["baseline", "ellipse-gp", "cnn-gp"]
HEAD = "task\tsurvey\tmethods\tlabel\tabove\tshare\tvotes\tmin_votes\tfilters\n"
FILTERS = {"smooth-or-featured_featured-or-disk": 0.6, "disk-edge-on_no": 0.75}


def test_the_papers_tasks():
    tasks = read_tasks("config/anomaly_tasks.tsv", SURVEYS, METHODS)
    assert {name: task.above for name, task in tasks.items()} == {
        "gz2-odd": 0.9,
        "decals-merger": 0.6,
        "decals-ring": 0.57,
        "decals-irregular": 0.42,
    }
    assert tasks["gz2-odd"].methods == METHODS
    assert tasks["gz2-odd"].filters == {}
    for name in ("decals-merger", "decals-ring", "decals-irregular"):
        assert tasks[name].methods == ["baseline", "cnn-gp"]
        assert tasks[name].filters == FILTERS
        assert tasks[name].min_votes == 30
    assert tasks["decals-merger"].votes == "merging_total-votes"


UNFILTERED = "config/anomaly_tasks_unfiltered.tsv"


def test_the_tasks_of_the_papers_numbers_have_no_filters_and_other_thresholds():
    text = read_tasks("config/anomaly_tasks.tsv", SURVEYS, METHODS)
    numbers = read_tasks(UNFILTERED, SURVEYS, METHODS)
    assert numbers.keys() == text.keys()
    assert numbers["gz2-odd"] == text["gz2-odd"]
    for name, least in {"decals-ring": 0.46, "decals-irregular": 0.34}.items():
        assert numbers[name] == text[name]._replace(above=numbers[name].above, filters={})
        # From 0.46, not above it: 23 of 50 votes count.
        assert numbers[name].above < least < numbers[name].above + 1e-15
    assert numbers["decals-merger"] == text["decals-merger"]._replace(filters={})


def test_the_samples_are_all_tasks_that_differ_side_by_side():
    text = read_tasks("config/anomaly_tasks.tsv", SURVEYS, METHODS)
    tables = {"filtered": "config/anomaly_tasks.tsv", "unfiltered": UNFILTERED}
    every = read_samples(tables, text, SURVEYS, METHODS)
    assert list(every) == [
        "gz2-odd",
        "decals-merger", "decals-merger-unfiltered",
        "decals-ring", "decals-ring-unfiltered",
        "decals-irregular", "decals-irregular-unfiltered",
    ]  # fmt: skip
    numbers = read_tasks(UNFILTERED, SURVEYS, METHODS)
    assert every["decals-ring-unfiltered"] == numbers["decals-ring"]
    # With the other table as the one that figures show, the names change places.
    turned = read_samples(tables, numbers, SURVEYS, METHODS)
    assert turned["decals-ring-filtered"] == text["decals-ring"]
    assert len(turned) == 7


def test_a_sample_whose_task_has_the_name_of_another_is_an_error():
    text = read_tasks("config/anomaly_tasks.tsv", SURVEYS, METHODS)
    taken = text | {"decals-ring-b": text["gz2-odd"]}
    with pytest.raises(UserError, match="needs the name 'decals-ring-b'"):
        read_samples({"b": UNFILTERED}, taken, SURVEYS, METHODS)


def test_the_toys_tasks_are_the_papers_except_for_the_threshold():
    for sample in ("", "_unfiltered"):
        paper = read_tasks(f"config/anomaly_tasks{sample}.tsv", SURVEYS, METHODS)
        toy = read_tasks(f"tests/toy/anomaly_tasks{sample}.tsv", SURVEYS, METHODS)
        assert {name: task._replace(above=None, share=0.015) for name, task in paper.items()} == toy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD, "no tasks"),
        ("task\tsurvey\nodd\tgz2\n", "task 'odd': a row must have task, survey"),
        (HEAD + "odd\tsdss\tcnn-gp\todd\t0.9\t\t\t\t\n", "no survey 'sdss'; known: decals, gz2"),
        (HEAD + "odd\tgz2\tmagic\todd\t0.9\t\t\t\t\n", "no 'magic' in 'anomalies.methods'"),
        (HEAD + "odd\tgz2\t\todd\t0.9\t\t\t\t\n", "no methods; known: baseline"),
        (HEAD + "odd\tgz2\tcnn-gp\todd\t0.9\t0.1\t\t\t\n", "one of above, at_least and share"),
        (HEAD + "odd\tgz2\tcnn-gp\todd\t\t\t\t\t\n", "one of above, at_least and share"),
        (HEAD + "odd\tgz2\tcnn-gp\todd\tmuch\t\t\t\t\n", "task 'odd': a row must have"),
        (HEAD + "odd\tgz2\tcnn-gp\todd\t0.9\t\t\t\tfeatured\n", "task 'odd': a row must have"),
        (HEAD + "odd\tgz2\tcnn-gp\todd\t\t1.5\t\t\t\n", "share 1.5 must be between 0 and 1"),
        (HEAD + 2 * "odd\tgz2\tcnn-gp\todd\t0.9\t\t\t\t\n", "task 'odd' is in the table twice"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, text, message):
    (tmp_path / "tasks.tsv").write_text(text)
    with pytest.raises(UserError) as caught:
        read_tasks(tmp_path / "tasks.tsv", SURVEYS, METHODS)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "tasks.tsv"))
    assert "\n" not in str(caught.value)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none.tsv: no such table of tasks \(anomalies.tasks\)"):
        read_tasks(tmp_path / "none.tsv", SURVEYS, METHODS)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("figure_3", ["odd"], "'figures.anomalies.figure_3' (odd) must be one of the tasks"),
        (
            "figure_4",
            {"task": "decals-ring", "methods": ["ellipse-gp"]},
            "'figures.anomalies.figure_4' (ellipse-gp) must be one of the methods of task",
        ),
    ],
)
def test_a_figure_of_an_unknown_task_or_method_is_named_if_it_is_shown(key, value, message):
    tasks = read_tasks("config/anomaly_tasks.tsv", SURVEYS, METHODS)
    figures = read_config([])["figures"]
    check_shown(tasks, figures["anomalies"], figures["show"])
    changed = figures["anomalies"] | {key: value}
    check_shown(tasks, changed, ["figure_1"])
    with pytest.raises(UserError) as caught:
        check_shown(tasks, changed, figures["show"])
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["a(b", "../../x", "a/b", "", "-a", "a b", "a\u00e9", "*"])
def test_a_task_whose_name_cannot_name_a_file_is_refused(tmp_path, name):
    path = tmp_path / "tasks.tsv"
    path.write_text(HEAD + f"{name}\tgz2\tcnn-gp\todd\t0.9\t\t\t\t\n", encoding="utf-8")
    with pytest.raises(UserError, match="a name has letters, digits, - and _ only"):
        read_tasks(path, SURVEYS, METHODS)


def test_a_table_that_is_not_in_utf_8_is_refused(tmp_path):
    path = tmp_path / "tasks.tsv"
    path.write_bytes((HEAD + "m\u00fcnchen").encode("latin-1"))
    with pytest.raises(UserError, match="not text in UTF-8; save it as such"):
        read_tasks(path, SURVEYS, METHODS)


def test_experiments_are_tasks_of_their_own_with_known_methods():
    tasks = every_task(read_config([]))
    shown = read_tasks("config/anomaly_tasks.tsv", SURVEYS, METHODS)
    assert experiments(tasks, shown) == ["gz2-odd-experiments"]
    experiment = tasks["gz2-odd-experiments"]
    assert experiment._replace(methods=shown["gz2-odd"].methods) == shown["gz2-odd"]
    assert experiment.methods[0] == "cnn-gp"  # what the others are compared with
    assert experiments(shown, shown) == []

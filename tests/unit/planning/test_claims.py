"""The table of the paper's claims: what it holds, and which mistakes are refused."""

import pytest

from workflow.lib.claims.verdicts import Run, judge
from workflow.lib.common.errors import UserError
from workflow.lib.planning.anomaly_tasks import every_task
from workflow.lib.planning.claims import CONFIG, Claim, parse_side, read_claims, settings_read
from workflow.lib.planning.config import BASE, read_config

TABLE = BASE.with_name("claims.tsv")
HEAD = "\t".join(Claim._fields)
ROW = {
    "id": "rings", "section": "Sec. 4.2", "kind": "number", "claim": "Rings", "value": "9947",
    "survey": "decals", "file": "7_finetune/ring/label_counts.json", "read": "value",
    "rows": "cut=label 1", "column": "left", "tolerance": "percent 2",
}  # fmt: skip


def refusal(folder, rows, head=HEAD):
    """Write a table with these rows, and give the message by which it is refused."""
    text = [head, *("\t".join(row.get(name, "") for name in Claim._fields) for row in rows)]
    (folder / "claims.tsv").write_text("\n".join(text) + "\n")
    with pytest.raises(UserError) as error:
        read_claims(folder / "claims.tsv")
    return str(error.value)


def test_the_table_has_every_section_and_cell_of_table_1():
    claims = read_claims(TABLE, "final")
    assert len(claims) > 140
    sections = {claim.section.split(".")[0] for claim in claims}
    assert {"Abstract", "Table 1", "Sec", "Fig", "Footnote 3"} <= sections
    numbered = {claim.section for claim in claims}
    assert {f"Sec. {number}" for number in (1, 2.1, 2.2, 2.3, 2.4, 3.2, 4.3, 5, 6)} <= numbered
    cells = [claim for claim in claims if claim.id.startswith("table-") and claim.column]
    metrics = ("average-precision", "accuracy-50", "accuracy-200")
    assert sum(claim.id.endswith(metrics) for claim in cells) == 9 * 3


def test_orderings_of_the_abstract_and_the_conclusion_can_be_read():
    claims = read_claims(TABLE, "final")
    stated = [c for c in claims if c.kind == "ordering" and c.section in ("Abstract", "Sec. 6")]
    assert len(stated) >= 15
    # No condition on sizes that only the paper's grid has.
    assert all("labelled" not in claim.rows + claim.than for claim in stated)


def test_claims_that_contradict_each_other_are_the_known_ones():
    pairs = {claim.id: claim.contradicts.split() for claim in read_claims(TABLE, "final")}
    assert {id for id, others in pairs.items() if others} == {
        "variance-10", "variance-15", "smooth-cut", "candidates",
        "featured-cut", "face-on-cut", "sample", "sample-mergers",
    }  # fmt: skip
    for id, others in pairs.items():
        assert all(id in pairs[other] for other in others)


def test_the_paper_s_configuration_agrees_with_every_setting_of_the_paper():
    claims = read_claims(TABLE, "final")
    config = read_config([])
    tasks = {name: task._asdict() for name, task in every_task(config).items()}
    settings = settings_read(claims, config | {"tasks": tasks})
    run = Run(BASE, (), settings)
    verdicts = {claim.id: judge(claim, run).verdict for claim in claims if claim.file == CONFIG}
    assert len(verdicts) > 60
    others = {id: verdict for id, verdict in verdicts.items() if verdict != "agrees"}
    assert others == {"featured-cut": "no verdict", "face-on-cut": "no verdict"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "fact"}, "kind 'fact' must be one of ordering, number, setting, statement"),
        ({"read": "eval"}, "read 'eval' must be one of value, mean,"),
        (
            {"read": "more", "than": "cut=label 0"},
            "a claim of kind number cannot be read by 'more'",
        ),
        ({"rows": "cut"}, "'cut' is not like column=value"),
        ({"rows": "left>many"}, "'left>many' does not compare with a number"),
        ({"tolerance": "roughly"}, "tolerance 'roughly' must be exact, errors,"),
        ({"tolerance": "errors"}, "only a mean has errors of ours"),
        ({"value": "many"}, "value 'many' is not a number"),
        ({"value": ""}, "value must not be empty"),
        ({"column": ""}, "column must not be empty"),
        ({"survey": ""}, "survey must name the galaxies, except for a setting"),
        ({"file": ""}, "without a file, note must say why it is not tested"),
        ({"file": "", "note": "by eye"}, "without a file, read must be empty"),
        ({"than": "cut=label 0"}, "than must be given for orderings and ratios"),
        ({"rows": "left=1 minus left=2"}, "'value' cannot be read with 'minus'"),
        (
            {"kind": "ordering", "read": "most", "than": "cut=label 0"},
            "than must be 'column NAME' for 'most'",
        ),
        ({"by": "every size"}, "by 'every size' must be like"),
        ({"uncertainty": "few"}, "uncertainty 'few' is not a number"),
        ({"id": "Rings 1"}, "an id has lower-case letters"),
        ({"section": ""}, "section and claim must not be empty"),
    ],
)
def test_a_mistake_is_refused_by_a_line_that_names_the_row(tmp_path, change, message):
    row = ROW | change
    text = refusal(tmp_path, [ROW | {"id": "first"}, row])
    assert text.startswith(f"{tmp_path}/claims.tsv: line 3 ({row['id']}): ")
    assert message in text


def test_a_wrong_table_is_refused(tmp_path):
    assert "line 1 must name the columns id, section" in refusal(tmp_path, [ROW], head="id")
    assert "(rings): the id is in the table twice" in refusal(tmp_path, [ROW, ROW])
    other = refusal(tmp_path, [ROW | {"contradicts": "moons"}])
    assert "(rings): contradicts 'moons', which is no id here" in other
    with pytest.raises(UserError, match="no such table of claims"):
        read_claims(tmp_path / "none.tsv")


def test_conditions_are_parsed():
    side = parse_side("method=cnn-gp|baseline, first<=50 minus cut=label 1")
    assert [str(one) for one in side.rows] == ["method=cnn-gp|baseline", "first<=50"]
    assert [str(one) for one in side.minus] == ["cut=label 1"]
    assert parse_side("").rows == ()

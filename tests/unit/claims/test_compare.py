"""Claims beside results: verdicts, and what turns them."""

import json

import pandas as pd
import pytest

from tests.unit.claims.conftest import CLAIMS, COUNTS, FILES, ODD, RINGS
from workflow.lib.common.errors import UserError


def test_each_claim_gets_its_verdict(compare):
    assert compare()["verdict"].to_dict() == {
        "top100": "agrees",
        "better": "agrees",
        "over-chance": "agrees",
        "all-sizes": "differs",  # at the size 8
        "on-average": "agrees",
        "ahead-when-few": "differs",
        "rings": "agrees",
        "rings-share": "agrees",
        "galaxies": "agrees",
        "bright": "agrees",
        "sample": "no verdict",
        "cut": "no verdict",
        "ratings": "differs",
        "components": "agrees",
        "sizes": "agrees",
        "look": "not testable",
    }


def test_numbers_have_the_unit_of_the_claim_and_errors_of_the_repeats(compare):
    found = compare()
    assert float(found.loc["top100", "ours"]) == pytest.approx(99)
    # Three standard deviations of 98, 99 and 100.
    assert float(found.loc["top100", "ours_uncertainty"]) == pytest.approx(2.449, abs=1e-3)
    assert float(found.loc["top100", "difference"]) == pytest.approx(-1)
    assert float(found.loc["rings-share", "ours"]) == pytest.approx(20.2)
    assert float(found.loc["ratings", "ours"]) == 90


def test_orderings_have_both_means_and_how_sure_they_are(compare):
    found = compare()
    better = found.loc["better"]
    assert (float(better["ours"]), float(better["other"])) == pytest.approx((0.99, 0.6))
    assert (float(better["sure"]), better["repeats"]) == (1, 3)
    sizes = found.loc["all-sizes"]
    assert (float(sizes["ours"]), float(sizes["other"])) == pytest.approx((0.61, 0.64))
    assert sizes["why"] == "shown: size 8, the least clear of 2"
    assert float(sizes["sure"]) < 0.2
    few = found.loc["ahead-when-few"]
    assert (float(few["ours"]), float(few["other"])) == pytest.approx((-0.03, 0.2))


def plant(path, change):
    """Change a file of results."""
    if path.suffix == ".json":
        path.write_text(json.dumps(change(json.loads(path.read_text()))))
    elif path.suffix == ".parquet":
        change(pd.read_parquet(path)).to_parquet(path)
    else:
        change(pd.read_csv(path)).to_csv(path, index=False)


@pytest.mark.parametrize(
    ("file", "change", "turned"),
    [
        (ODD["file"], lambda t: t.assign(value=t["value"].where(t["value"] < 0.9, 0.4)),
         {"top100", "better"}),
        (ODD["file"], lambda t: t.assign(chance=t["chance"].where(t["value"] != 0.2, 0.3)),
         {"over-chance"}),
        (RINGS["file"], lambda t: t.assign(accuracy=t["accuracy"].where(t["accuracy"] < 0.9, 0.6)),
         {"on-average", "ahead-when-few"}),
        (COUNTS["file"], lambda rows: [*rows[:1], {"cut": "label 1", "left": 90}],
         {"rings", "rings-share"}),
        ("1_catalogue/decals.parquet", lambda t: t.iloc[1:], {"galaxies", "bright"}),
        ("6_anomaly/ring/candidates.json", lambda _: {"galaxies": 58}, set()),
    ],
)  # fmt: skip
def test_a_wrong_value_in_a_file_turns_the_verdicts_that_rest_on_it(
    compare, results, file, change, turned
):
    before = compare()["verdict"]
    plant(results / file, change)
    after = compare()["verdict"]
    assert {id for id in before.index if before[id] != after[id]} == turned


def test_of_simulated_galaxies_only_orderings_are_judged(compare):
    found = compare(simulated=["gz2", "decals"], survey_notes=["simulated galaxies"])
    for id in ("top100", "rings", "rings-share", "galaxies"):
        row = found.loc[id]
        assert (row["verdict"], row["difference"]) == ("not testable", "")
        assert row["why"] == "simulated galaxies: only orderings are judged"
        assert row["ours"] != ""
    assert found.loc["better", "verdict"] == "agrees"
    assert found.loc["better", "why"] == "simulated galaxies"
    assert found.loc["ratings", "verdict"] == "differs"  # a setting is of no galaxies
    assert found.loc["sample", "verdict"] == "no verdict"


def test_numbers_of_a_stand_in_or_a_labelled_encoder_are_not_judged(compare, results):
    number = CLAIMS[3] | {
        "id": "accuracy", "kind": "number", "value": "68", "unit": "%", "read": "mean",
        "rows": "pretraining=imagenet", "than": "", "by": "", "tolerance": "within 1",
    }  # fmt: skip
    assert compare([number]).loc["accuracy", "verdict"] == "agrees"
    found = compare([number, CLAIMS[3]], stand_ins=["imagenet"])
    assert found.loc["accuracy", "why"] == "imagenet is a stand-in: only orderings are judged"
    assert found.loc["all-sizes", "verdict"] == "differs"
    (results / "encoder.json").write_text(json.dumps({"label": "random weights", "training": None}))
    assert compare([number]).loc["accuracy", "verdict"] == "not testable"
    assert compare().loc["galaxies", "verdict"] == "agrees"  # before any encoder


def test_what_this_run_lacks_is_named(compare):
    found = compare(made=[name for name in FILES if name != RINGS["file"]])
    why = f"this configuration does not make {RINGS['file']}"
    assert found.loc["all-sizes", ["verdict", "why"]].tolist() == ["not testable", why]
    absent = CLAIMS[3] | {"rows": "pretraining=all, size=69620"}
    setting = CLAIMS[12] | {"column": "anomalies.repeats"}
    found = compare([absent, setting])
    assert "no row with pretraining=all, size=69620" in found.loc["all-sizes", "why"]
    assert found.loc["ratings", "why"] == "the configuration has no anomalies.repeats"
    assert (found["verdict"] == "not testable").all()


def test_a_claim_on_a_column_that_no_file_has_is_refused(compare):
    with pytest.raises(UserError, match=r"models\.csv.*precision"):
        compare([CLAIMS[3] | {"column": "precision"}])
    with pytest.raises(UserError, match=r"candidates\.json: no 'anomalies'"):
        compare([CLAIMS[10] | {"column": "anomalies", "contradicts": ""}])
    with pytest.raises(UserError, match=r"claim 'top100': .* has 3 rows"):
        compare([CLAIMS[0] | {"read": "value", "tolerance": "exact"}])


def test_the_summary_has_five_lines(compare, results):
    compare()
    lines = (results / "9_claims/summary.txt").read_text().splitlines()
    assert len(lines) == 5
    assert lines[0] == f"The paper's 16 claims beside ours, in {results}/9_claims/claims.html:"
    sure = "sure to 95%: 3 agree, 2 differ"
    contradicted = "1 where the paper contradicts itself"
    assert lines[1] == f"  orderings: 3 agree, 2 differ, 0 not testable; {sure}"
    assert lines[2] == f"  numbers: 5 agree, 0 differ, 0 not testable, {contradicted}"
    assert lines[3] == f"  settings: 2 agree, 1 differs, 0 not testable, {contradicted}"
    assert lines[4] == "  statements: 0 agree, 0 differ, 1 not testable"


def test_the_same_seed_gives_the_same_table(compare):
    assert compare().equals(compare())


def test_the_page_links_files_and_figures_and_escapes_text(compare, results):
    compare()
    page = (results / "9_claims/claims.html").read_text()
    assert page.count("<tr id=") == len(CLAIMS)
    assert f'<a href="../{RINGS["file"]}">' in page
    assert '<a href="../8_figures/figure_3.png">figure 3</a>' in page
    assert "judged by eye &lt;in the figure&gt;" in page
    assert "http" not in page

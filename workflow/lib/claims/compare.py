"""Every claim of the paper beside this run's results (stage 9)."""

import json
import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.lib.claims.page import write_claims_page
from workflow.lib.claims.verdicts import (
    AGREES,
    DIFFERS,
    NONE,
    SURE,
    VERDICTS,
    Run,
    Verdict,
    judge,
)
from workflow.lib.common.files import write_text
from workflow.lib.planning.claims import KINDS, Claim, read_claims

log = logging.getLogger(__name__)

COLUMNS = [
    "id", "section", "kind", "claim", "paper", "uncertainty", "unit", "ours", "ours_uncertainty",
    "other", "difference", "sure", "repeats", "verdict", "why", "file", "expression", "figure",
]  # fmt: skip
"""Columns of the table."""


def compare_claims(
    claims: str | Path,
    results: str | Path,
    made: Collection[str],
    description: str | Path,
    *,
    settings: Mapping[str, Any],
    shown: str,
    simulated: Collection[str],
    stand_ins: Collection[str],
    survey_notes: Sequence[str],
    figures: Mapping[str, str],
    draws: int,
    seed: int,
    sigmas: float,
    table: str | Path,
    page: str | Path,
    summary: str | Path,
) -> None:
    """Compare the paper's claims with the results of this run.

    Parameters
    ----------
    claims
        The table, see `planning.claims`.
    results
        The folder of results.
    made
        Those of the claims' files that this run makes, relative to `results`.
    description
        The `encoder.json` of the encoder that the figures show.
    settings
        By `planning.claims.settings_read`.
    shown
        The pretraining that the figures show.
    simulated
        Surveys whose galaxies are simulated: only orderings are judged of them.
    stand_ins
        Pretrainings that stand in for the paper's: as for simulated galaxies.
    survey_notes
        What the reader must know about the galaxies.
    figures
        Path of each figure and table that this run makes, relative to `results`.
    draws, seed
        Of the bootstrap.
    sigmas
        Standard deviations in an error.
    table
        CSV to write: a row for each claim, with `COLUMNS`; `verdicts.Verdict` explains the last.
    page
        Web page to write, with the same table.
    summary
        Text to write: five lines, with the number of verdicts of each kind of claim.

    Raises
    ------
    UserError
        If the table of claims is wrong, or a file lacks a column that a claim is read from.
    """
    everything = read_claims(claims, shown)
    encoder = json.loads(Path(description).read_text())
    unlike = _unlike_the_papers(encoder, simulated)
    run = Run(Path(results), made, settings, simulated, stand_ins, unlike, draws, seed, sigmas)
    rows = [_row(claim, judge(claim, run)) for claim in everything]
    found = pd.DataFrame(rows, columns=COLUMNS)
    write_text(found.to_csv(index=False, float_format="%.6g"), table)
    notes = [*survey_notes, encoder["label"]] if encoder["label"] else survey_notes
    write_claims_page(found, notes, figures, made, page)
    text = summarise(found, page)
    write_text(text, summary)
    log.info("%s", text)


def _unlike_the_papers(encoder: Mapping[str, Any], simulated: Collection[str]) -> str:
    """Say what an encoder learned from, unless that is the votes for real galaxies."""
    survey = (encoder["training"] or {}).get("survey")
    return "" if survey and survey not in simulated else encoder["label"]


def _row(claim: Claim, verdict: Verdict) -> dict[str, Any]:
    shared = {name: getattr(claim, name) for name in COLUMNS if hasattr(claim, name)}
    return shared | {"paper": claim.value} | verdict._asdict()


def summarise(found: pd.DataFrame, page: str | Path) -> str:
    """Give five lines: where the page is, and the verdicts on each kind of claim.

    Parameters
    ----------
    found
        With `COLUMNS`.
    page
        Path of the page.
    """
    lines = [f"The paper's {len(found)} claims beside ours, in {page}:"]
    for kind in KINDS:
        rows = found[found["kind"] == kind]
        counts = Counter(rows["verdict"])
        parts = [f"{counts[verdict]} {_plural(verdict, counts[verdict])}" for verdict in VERDICTS]
        line = f"  {kind}s: {', '.join(parts[:3])}"
        if counts[NONE]:
            line += f", {counts[NONE]} where the paper contradicts itself"
        if kind == "ordering":
            # Of a wrong ordering, the bootstrap tells how sure the right one is.
            sure = [
                ((rows["verdict"] == AGREES) & (rows["sure"] >= SURE)).sum(),
                ((rows["verdict"] == DIFFERS) & (rows["sure"] <= 1 - SURE)).sum(),
            ]
            line += f"; sure to {SURE:.0%}: {sure[0]} agree, {sure[1]} differ"
        lines.append(line)
    return "\n".join(lines) + "\n"


def _plural(verdict: str, count: int) -> str:
    if count == 1 or verdict not in (AGREES, DIFFERS):
        return verdict
    return {AGREES: "agree", DIFFERS: "differ"}[verdict]

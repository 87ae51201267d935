"""The verdict on each claim: agrees, differs, or not testable in this run, and why."""

import math
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from workflow.lib.claims.bootstrap import Pair, sureness
from workflow.lib.claims.readings import (
    Missing,
    Ordering,
    Reading,
    load,
    needed_columns,
    read_number,
    read_ordering,
)
from workflow.lib.planning.claims import CONFIG, Claim, is_number, parse_side

AGREES, DIFFERS = "agrees", "differs"
UNTESTABLE = "not testable"
NONE = "no verdict"
"""Where the paper contradicts itself."""

VERDICTS = (AGREES, DIFFERS, UNTESTABLE, NONE)

SURE = 0.95
"""An ordering counts as sure if so large a share of the bootstrap's draws have it."""


class Verdict(NamedTuple):
    """What this run says of a claim; in the claim's unit, and NaN where there is nothing."""

    verdict: str
    """One of `VERDICTS`."""
    why: str = ""
    """For the reader; empty where the numbers say all."""
    ours: float | str = math.nan
    """The number or word; for an ordering, the mean of its first side."""
    ours_uncertainty: float = math.nan
    other: float = math.nan
    """For an ordering, the mean of its other side."""
    difference: float = math.nan
    """Ours minus the paper's; for an ordering, its first side minus the other."""
    sure: float = math.nan
    """The share of the bootstrap's draws that have the ordering."""
    repeats: int = 0
    """The repeats that the ordering rests on: of the side that has fewest."""


class Run(NamedTuple):
    """What claims are judged by: the results of a run, and what is known of it."""

    results: Path
    """The folder of results."""
    made: Collection[str]
    """Those of the claims' files that the run makes, relative to `results`."""
    settings: Mapping[str, Any]
    """By `planning.claims.settings_read`."""
    simulated: Collection[str] = ()
    """Surveys whose galaxies are simulated."""
    stand_ins: Collection[str] = ()
    """Pretrainings that stand in for the paper's."""
    label: str = ""
    """Of the encoder that the figures show; empty if it is as the paper's."""
    draws: int = 1000
    """Of the bootstrap."""
    seed: int = 0
    """Of the bootstrap; each claim has draws of its own."""
    sigmas: float = 3
    """Standard deviations in an error, as for Table 1."""


def judge(claim: Claim, run: Run) -> Verdict:
    """Judge a claim.

    Raises
    ------
    UserError
        If its file is damaged or lacks a column that it is read from.
    """
    if not claim.file:
        return Verdict(NONE if claim.contradicts else UNTESTABLE, claim.note)
    why = _unlike_the_paper(claim, run)
    try:
        judged = _judge_table(claim, _table(claim, run), run)
    except Missing as missing:
        judged, why = Verdict(UNTESTABLE), str(missing)
    else:
        if why and claim.kind != "ordering":
            judged = judged._replace(verdict=UNTESTABLE, difference=math.nan)
            why += ": only orderings are judged"
    if claim.contradicts:
        judged = judged._replace(verdict=NONE)
    return judged._replace(why="; ".join(filter(None, [why, judged.why, claim.note])))


def _table(claim: Claim, run: Run) -> pd.DataFrame:
    if claim.file != CONFIG:
        if claim.file not in run.made:
            raise Missing(f"this configuration does not make {claim.file}")
        return load(run.results / claim.file, needed_columns(claim))
    for name in needed_columns(claim):
        if name not in run.settings:
            raise Missing(f"the configuration has no {name}")
    return pd.DataFrame([run.settings])


def _judge_table(claim: Claim, table: pd.DataFrame, run: Run) -> Verdict:
    if claim.kind == "ordering":
        return judge_ordering(claim, read_ordering(claim, table), run.draws, run.seed)
    return judge_number(claim, read_number(claim, table), run.sigmas)


def _unlike_the_paper(claim: Claim, run: Run) -> str:
    """Say why the paper's numbers cannot be expected; empty if they can."""
    if not claim.survey:
        return ""
    if claim.survey in run.simulated:
        return "simulated galaxies"
    sides = [parse_side(text) for text in (claim.rows, claim.than) if "=" in text]
    tests = [test for side in sides for part in side for test in part or ()]
    named = {value for test in tests for value in test.values}
    if used := sorted(named & set(run.stand_ins)):
        return f"{used[0]} is a stand-in"
    depends = int(claim.file[0]) >= 3  # on the encoder, whose label says what it lacks
    return run.label if depends else ""


def judge_number(claim: Claim, reading: Reading, sigmas: float) -> Verdict:
    """Compare a number or word with the paper's, by the claim's tolerance.

    Parameters
    ----------
    claim, reading
        The claim, and what was read for it.
    sigmas
        Standard deviations in the error of a mean.
    """
    if isinstance(reading.value, str) or not is_number(claim.value):
        same = str(reading.value) == claim.value
        return Verdict(AGREES if same else DIFFERS, ours=reading.value)
    scale = 100 if claim.unit == "%" else 1
    ours, error = scale * reading.value, scale * sigmas * reading.spread
    paper = float(claim.value)
    rule, _, limit = claim.tolerance.partition(" ")
    apart = ours - paper
    most = {
        "errors": lambda: math.hypot(float(claim.uncertainty or 0), error),
        "within": lambda: float(limit),
        "percent": lambda: float(limit) / 100 * abs(paper),
        "exact": lambda: 0.0,
    }
    if rule in most:
        # So that 0.3 - 0.2 is not more than 0.1.
        agrees = abs(apart) <= most[rule]() + 1e-9 * abs(paper)
    else:
        agrees = apart > 0 if rule == "above" else apart < 0
    return Verdict(AGREES if agrees else DIFFERS, "", ours, error, difference=apart)


def judge_ordering(claim: Claim, ordering: Ordering, draws: int, seed: int) -> Verdict:
    """Tell whether an ordering holds between the means, and how sure that is.

    Parameters
    ----------
    claim, ordering
        The claim, and what was read for it.
    draws, seed
        Of the bootstrap; each claim has draws of its own.
    """
    pairs = ordering.pairs
    sure = sureness([*pairs.values()], ordering.every, draws, [seed, zlib.crc32(claim.id.encode())])
    repeats = min(pair.repeats for pair in pairs.values())
    if ordering.every:
        name, closest = min(pairs.items(), key=lambda item: item[1].difference)
        first, other = closest.means
        # A run may lack some of the sizes or metrics that the paper has.
        why = f"{name} only" if len(pairs) == 1 and name else ""
        if len(pairs) > 1:
            why = f"shown: {name}, the least clear of {len(pairs)}"
    else:
        first, other = (_mean_of(pairs, side) for side in (0, 1))
        why = f"means over {', '.join(pairs)}" if len(pairs) > 1 else ""
    if math.isnan(sure):
        why = "; ".join(filter(None, [why, "one repeat, so no bootstrap"]))
    return Verdict(
        AGREES if first > other else DIFFERS,
        why,
        ours=first,
        other=other,
        difference=first - other,
        sure=sure,
        repeats=repeats,
    )


def _mean_of(pairs: dict[str, Pair], side: int) -> float:
    return sum(pair.means[side] for pair in pairs.values()) / len(pairs)

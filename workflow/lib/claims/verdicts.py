"""The verdict on each claim: agrees, differs, or not testable in this run, and why."""

import math
import zlib
from typing import NamedTuple

from workflow.lib.claims.bootstrap import Pair, sureness
from workflow.lib.claims.readings import Ordering, Reading
from workflow.lib.planning.claims import Claim, is_number

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


def scaled(claim: Claim, reading: Reading, sigmas: float) -> tuple[float | str, float]:
    """Give ours and its error in the claim's unit.

    Parameters
    ----------
    claim, reading
        The claim, and what was read for it.
    sigmas
        The error, in standard deviations, as for Table 1.
    """
    scale = 100 if claim.unit == "%" else 1
    ours = reading.value if isinstance(reading.value, str) else scale * reading.value
    return ours, scale * sigmas * reading.spread


def judge_number(claim: Claim, reading: Reading, sigmas: float) -> Verdict:
    """Compare a number or word with the paper's, by the claim's tolerance.

    Parameters
    ----------
    claim, reading, sigmas
        As for `scaled`.
    """
    ours, error = scaled(claim, reading, sigmas)
    if isinstance(ours, str) or not is_number(claim.value):
        return Verdict(AGREES if str(ours) == claim.value else DIFFERS, ours=ours)
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
        why = f"shown: {name}, the least clear of {len(pairs)}" if len(pairs) > 1 else ""
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

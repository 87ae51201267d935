"""The galaxies of the rehearsal: as many in each of the paper's samples as the paper has."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

Range = tuple[float, float]


class Group(NamedTuple):
    """Galaxies of the automated table that are alike in what the paper's samples ask about."""

    featured: Range
    """Automated fraction of featured galaxies, and below that of galaxies not seen edge-on."""
    face_on: Range
    votes: Range | None
    """Votes on the first question; None: no volunteer was asked."""
    ring: Mapping[Range, int]
    """How many galaxies have which fraction of votes on rings: all galaxies of the group."""
    irregular: Mapping[Range, int] = {}
    """The same for those irregular enough, and for those merging; of the others less is seen."""
    merger: Mapping[Range, int] = {}
    unmerged: int = 0
    """How many have fewer than 30 votes on merging, in a group where all have more on the first."""


MANY, FEW = (30, 80), (3, 29)
"""Votes with which a galaxy is in the samples of Sec. 3.3, and others."""

GROUPS = [
    Group(  # featured and face-on, Sec. 3.3 as the text: 40,921
        (0.6, 1), (0.75, 1), MANY,
        {(0, 0.05): 23_921, (0.05, 0.25): 12_000, (0.25, 0.46): 4_186, (0.46, 0.57): 200,
         (0.57, 1): 614},
        {(0.34, 0.42): 188, (0.42, 1): 614}, {(0.65, 0.95): 591}, 1_494,
    ),
    Group(
        (0.25, 0.6), (0.75, 1), MANY,
        {(0, 0.05): 6_500, (0.05, 0.25): 2_000, (0.25, 0.46): 410, (0.46, 1): 90},
        {(0.34, 1): 50}, {(0.65, 0.95): 112}, 330,
    ),
    Group(  # with these 58,982 have many votes, Sec. 3.3 without filters
        (0, 0.25), (0, 1), MANY,
        {(0, 0.25): 9_061},
        {(0.34, 1): 50}, {(0.65, 0.95): 111}, 330,
    ),
    Group(  # with the first two 82,898 candidates of Sec. 4.2
        (0.25, 1), (0.75, 1), FEW,
        {(0, 0.05): 20_434, (0.05, 0.25): 8_096, (0.25, 1): 4_447},
        {(0.34, 1): 300}, {(0.65, 0.95): 300},
    ),
    Group((0, 0.25), (0, 1), FEW, {(0, 0.25): 161_327}),
    Group((0, 1), (0, 1), None, {(0, 1): 60_503}),
]  # fmt: skip
ATLAS, CUT, SPURIOUS = 641_409, 8_132, 0.02
"""Galaxies in the atlas; those of the automated table that no cut lets pass, which are the last of
the volunteers' and the first of the others; share of the last two groups that are artifacts."""

CHALLENGE, ODD, UNMEASURED = 61_578, 835, 1_851
"""Galaxies of the second survey, odd ones among them, and those without ellipses."""


def scaled(scale: float) -> list[Group]:
    """Give the groups with `scale` times as many galaxies."""

    def fewer(counts: Mapping[Range, int]) -> dict[Range, int]:
        return {place: max(1, round(scale * count)) for place, count in counts.items()}

    return [
        group._replace(
            ring=fewer(group.ring),
            irregular=fewer(group.irregular),
            merger=fewer(group.merger),
            unmerged=round(scale * group.unmerged),
        )
        for group in GROUPS
    ]


def size(group: Group) -> int:
    """Count the galaxies of a group."""
    return sum(group.ring.values())


def expected(scale: float) -> dict[str, int]:
    """Give the paper's numbers of galaxies, as the groups have them."""
    groups = scaled(scale)
    labelled = [
        group for group in groups if group.votes and group.featured[0] >= 0.25 <= group.face_on[0]
    ]
    rings = sum(n for group in labelled for (low, _), n in group.ring.items() if low >= 0.25)
    others = sum(n for group in labelled for (_, high), n in group.ring.items() if high <= 0.05)
    many = [group for group in groups if group.votes == MANY]
    learned = min(int(0.7 * rings + 1e-6), int(0.7 * others + 1e-6) // 5)

    def anomalies(kind: str, least: float, among: list[Group]) -> int:
        return sum(n for one in among for (low, _), n in getattr(one, kind).items() if low >= least)

    return {
        "catalogue": sum(map(size, groups)) - round(scale * CUT),
        "label candidates": sum(map(size, labelled)),
        "label rings": rings,
        "label others": others,
        "rings learned from": learned,
        "training set": 10 * learned,
        "gz2-odd": round(scale * CHALLENGE) - round(scale * UNMEASURED),
        "gz2-odd anomalies": max(1, round(scale * ODD)),
        "decals-ring": size(groups[0]),
        "decals-ring anomalies": anomalies("ring", 0.57, groups[:1]),
        "decals-irregular": size(groups[0]),
        "decals-irregular anomalies": anomalies("irregular", 0.42, groups[:1]),
        "decals-merger": size(groups[0]) - groups[0].unmerged,
        "decals-merger anomalies": anomalies("merger", 0.6, groups[:1]),
        "decals-ring-unfiltered": sum(map(size, many)),
        "decals-ring-unfiltered anomalies": anomalies("ring", 0.46, many),
        "decals-irregular-unfiltered": sum(map(size, many)),
        "decals-irregular-unfiltered anomalies": anomalies("irregular", 0.34, many),
        "decals-merger-unfiltered": sum(size(group) - group.unmerged for group in many),
        "decals-merger-unfiltered anomalies": anomalies("merger", 0.6, many),
    }


def draw_galaxies(scale: float, seed: int = 1) -> pd.DataFrame:
    """Draw the galaxies of the automated table, in the order of their groups.

    Returns
    -------
    pandas.DataFrame
        featured, face_on, artifact (automated fractions); votes and merging_votes (NaN where no
        volunteer was asked); ring, irregular, merger (fractions of the volunteers); passes (bool):
        whether the galaxy passes the cuts.
    """
    rng = np.random.default_rng(seed)
    table = pd.concat([_draw_group(group, rng) for group in scaled(scale)], ignore_index=True)
    asked, cut = int(table["votes"].notna().sum()), round(scale * CUT)
    first = asked - cut * 5 // 8
    table["passes"] = ~table.index.isin(range(first, first + cut))
    return table


def _draw_group(group: Group, rng: np.random.Generator) -> pd.DataFrame:
    count = size(group)
    columns: dict[str, Any] = {
        "featured": rng.uniform(*group.featured, count),
        "face_on": rng.uniform(*group.face_on, count),
        "ring": rng.permutation(_spread(group.ring, rng)),
    }
    spurious = (group.votes != MANY) & (group.featured[0] == 0) & (rng.random(count) < SPURIOUS)
    columns["featured"] = np.where(spurious, 0.1 * columns["featured"], columns["featured"])
    share = np.where(spurious, 0.9, rng.uniform(0, 0.2, count))
    columns["artifact"] = share * (1 - columns["featured"])
    rest = count - sum(group.irregular.values())
    columns["irregular"] = rng.permutation(_spread({(0, 0.3): rest, **group.irregular}, rng))
    rest = count - group.unmerged - sum(group.merger.values())
    merger = rng.permutation(_spread({(0, 0.5): rest, **group.merger}, rng))
    columns["merger"] = np.concatenate([rng.uniform(0, 0.5, group.unmerged), merger])
    low, high = group.votes or (0, 0)
    columns["votes"] = rng.integers(low, high + 1, count).astype(float)
    columns["merging_votes"] = columns["votes"].copy()
    columns["merging_votes"][: group.unmerged] = rng.integers(*FEW, group.unmerged)
    table = pd.DataFrame(columns)
    if group.votes is None:
        table[["votes", "merging_votes", "ring", "irregular", "merger"]] = np.nan
    return table


def _spread(counts: Mapping[Range, int], rng: np.random.Generator) -> np.ndarray:
    """Draw as many numbers from each range as `counts` says."""
    return np.concatenate([rng.uniform(*place, count) for place, count in counts.items()])

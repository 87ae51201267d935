"""The tables of a simulated survey, in the form of the real ones."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow.lib.common.files import write_text
from workflow.lib.common.tables import write_parquet
from workflow.lib.sources.nsa import write_atlas
from workflow.lib.sources.sky.challenge import challenge_answers
from workflow.lib.sources.sky.forum import forum_tags
from workflow.lib.sources.sky.population import draw_population, observed_galaxies
from workflow.lib.sources.sky.volunteers import (
    automated_fractions,
    rare_features,
    volunteer_votes,
)

log = logging.getLogger(__name__)


def simulate_survey(
    galaxies: int,
    seed: int,
    *,
    merging_share: float,
    ring_share: float | None = None,
    flux_column: str,
    zero_point: float,
    spellings: Mapping[str, Sequence[str]],
    truth: str | Path,
    nsa: str | Path,
    automated: str | Path,
    volunteers: str | Path,
    rare: str | Path,
    tags: str | Path,
    solutions: str | Path,
) -> None:
    """Draw a sky, and write the tables that real surveys publish.

    Parameters
    ----------
    galaxies
        How many to draw, before the cuts of the catalogue.
    seed
        All random numbers depend on it.
    merging_share, ring_share
        As for `draw_population`.
    flux_column, zero_point
        The atlas's column of fluxes, and the magnitude of one nanomaggie.
    spellings
        As for `forum.forum_tags`.
    truth
        Parquet to write: the true properties of each galaxy.
    nsa
        FITS to write: the atlas.
    automated, volunteers, rare
        Parquet files to write: vote fractions as a network predicts them, volunteers' votes, and
        the fractions of rare features.
    tags
        CSV to write: iauname, tag; one row for each use on the forum.
    solutions
        CSV to write: vote fractions in the format of the Galaxy Challenge.
    """
    sky = draw_population(galaxies, seed, merging_share, ring_share)
    observed = observed_galaxies(sky)
    log.info("%d galaxies, %d of them observed", len(sky), len(observed))
    votes = volunteer_votes(observed, seed)
    predicted = automated_fractions(observed, seed).assign(
        wrong_size_warning=observed["wrong_size_warning"].to_numpy()
    )
    write_parquet(sky, truth)
    write_atlas(sky, nsa, flux_column, zero_point)
    write_parquet(predicted, automated)
    write_parquet(votes, volunteers)
    write_parquet(rare_features(observed, votes, seed), rare)
    write_text(forum_tags(observed, seed, spellings).to_csv(index=False), tags)
    write_text(challenge_answers(observed, seed).to_csv(index=False), solutions)

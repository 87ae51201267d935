"""The simulated sky: galaxies, the instruments that see them and the volunteers who judge them."""

from workflow.lib.sky.field import field_objects
from workflow.lib.sky.population import CATALOGUE, DEFECTS, EDGE_ON, draw_population, iauname
from workflow.lib.sky.render import DECALS, SDSS, Instrument, cutout_fits, render_cutout
from workflow.lib.sky.volunteers import (
    NEXT_QUESTION,
    QUESTIONS,
    RARE_FEATURES,
    SYNONYMS,
    answer_probabilities,
    automated_fractions,
    forum_tags,
    galaxy_id,
    odd_fraction,
    rare_features,
    volunteer_votes,
)

__all__ = [
    "CATALOGUE",
    "DECALS",
    "DEFECTS",
    "EDGE_ON",
    "NEXT_QUESTION",
    "QUESTIONS",
    "RARE_FEATURES",
    "SDSS",
    "SYNONYMS",
    "Instrument",
    "answer_probabilities",
    "automated_fractions",
    "cutout_fits",
    "draw_population",
    "field_objects",
    "forum_tags",
    "galaxy_id",
    "iauname",
    "odd_fraction",
    "rare_features",
    "render_cutout",
    "volunteer_votes",
]

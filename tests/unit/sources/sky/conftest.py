"""A simulated sky with votes of volunteers and of a network."""

import pytest

from workflow.lib.sources.sky.population import draw_population
from workflow.lib.sources.sky.volunteers import automated_fractions, rare_features, volunteer_votes

SEED = 3


@pytest.fixture(scope="session")
def truth():
    return draw_population(3000, seed=6, merging_share=0.045)


@pytest.fixture(scope="session")
def votes(truth):
    return volunteer_votes(truth, SEED)


@pytest.fixture(scope="session")
def rare(truth, votes):
    return rare_features(truth, votes, SEED)


@pytest.fixture(scope="session")
def automated(truth):
    return automated_fractions(truth, SEED)

"""Copies of the project in which the workflow has run, or has not run yet."""

import pytest

from tests.project import small_project


@pytest.fixture
def branch(finished, tmp_path):
    """A copy of the finished project, which a test may change."""
    return finished.copied(tmp_path / "morphoflow")


@pytest.fixture
def bare(tmp_path):
    """A small project in which nothing has run yet."""
    return small_project(tmp_path / "morphoflow")

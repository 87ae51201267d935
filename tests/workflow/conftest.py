"""Copies of the project in which the workflow has run, or has not run yet."""

import shutil

import pytest

from tests.project import Project, small_project


@pytest.fixture
def branch(finished, tmp_path):
    """A copy of the finished project, which a test may change."""
    folder = tmp_path / "morphoflow"
    shutil.copytree(finished.folder, folder, symlinks=True)
    return Project(folder)


@pytest.fixture
def bare(tmp_path):
    """A small project in which nothing has run yet."""
    return small_project(tmp_path / "morphoflow")

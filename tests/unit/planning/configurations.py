"""Configurations for tests: those shipped in ``config``, and changes to them."""

import copy
import functools
from pathlib import Path

import pytest
import yaml
from snakemake.utils import update_config

from workflow.lib.common.errors import UserError
from workflow.lib.planning.config import check_config

CONFIG = Path(__file__).parents[3] / "config"
OVERLAYS = [
    ("toy.yaml",),
    ("own.yaml",),
    ("toy.yaml", "sky.yaml"),
    ("own.yaml", "label.yaml"),
    ("toy.yaml", "compare.yaml"),
    ("desi.yaml",),
]

PLACEHOLDERS = {
    "surveys": "<name>",
    "cuts": "<column>",
    "weights": "<pretraining>",
    "tasks": "<pretraining>",
    "finals": "<pretraining>",
    "epochs_of": "<pretraining>",
    "questions": "<question>",
    "labels": "<label>",
    "fractions": "<tag>",
    "methods": "<method>",
    "compared": "<sample>",
    "depths": "<pretraining>",
    "galaxies_of": "<name>",
    "rules": "<rule>",
}
"""What a key has where the user chooses the word, by the key above it."""

SIMULATION = {
    "galaxies": 1,
    "seed": 1,
    "merging_share": 0.1,
    "instrument": {
        "pixel_scale": 0.262,
        "seeing_fwhm": [1.0, 1.0, 1.0],
        "noise": [1.0, 1.0, 1.0],
        "sky": [1.0, 1.0, 1.0],
        "saturation": [1.0, 1.0, 1.0],
        "seeing_scatter": 0.1,
        "depth_scatter": 0.1,
        "noise_correlation": 0.1,
        "background_scatter": 0.1,
    },
}


@functools.cache
def parsed(path):
    return yaml.safe_load(path.read_text())


def load(*overlays):
    config = copy.deepcopy(parsed(CONFIG / "config.yaml"))
    for name in overlays:
        update_config(config, copy.deepcopy(parsed(CONFIG / name)))
    return config


def complete():
    """The shipped configuration with a simulation, so that every key of the schema is in it."""
    return load("toy.yaml")


def at(config, key):
    for name in key.split("."):
        config = config[name]
    return config


def changed(key, value, config=None):
    config = load() if config is None else config
    parent, _, name = key.rpartition(".")
    (at(config, parent) if parent else config)[name] = value
    return config


def without(key):
    config = load()
    parent, _, name = key.rpartition(".")
    del (at(config, parent) if parent else config)[name]
    return config


def complaint(config):
    with pytest.raises(UserError) as caught:
        check_config(config)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("config: ")
    return message


def paths(config, above=()):
    for name, value in config.items():
        yield (*above, name)
        if isinstance(value, dict):
            yield from paths(value, (*above, name))


def at_path(config, path):
    for name in path:
        config = config[name]
    return config

"""The instruments of the simulated sky, as config/toy.yaml describes them."""

import yaml

from tests.conftest import ROOT
from workflow.lib.sources.sky.render import Instrument

SURVEYS = yaml.safe_load((ROOT / "config/toy.yaml").read_text())["surveys"]
DECALS, SDSS = (
    Instrument(**SURVEYS[survey]["simulation"]["instrument"]) for survey in ("decals", "gz2")
)

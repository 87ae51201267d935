"""What a run writes down of itself."""

import hashlib
import json
import platform

import numpy as np

from workflow.lib.claims.provenance import record_provenance
from workflow.lib.planning.config import merged, read_config


def record(folder, **changes):
    config = merged(read_config([]), {"pathvars": {"downloads": str(folder / "data")}} | changes)
    record_provenance(config, {"hunt_anomalies": "a1b2"}, folder / "provenance.json")
    return json.loads((folder / "provenance.json").read_text())


def test_configuration_seeds_code_packages_and_machine_are_written_down(tmp_path):
    found = record(tmp_path)
    assert found["configuration"]["anomalies.ratings"] == 200
    assert found["seeds"]["finetune.seed"] == 1
    assert found["code"]["rules"] == {"hunt_anomalies": "a1b2"}
    assert found["packages"]["python"] == platform.python_version()
    assert found["packages"]["numpy"] == np.__version__
    assert found["machine"]["cores"] >= 1
    assert found["machine"]["memory_gb"] > 0


def test_another_setting_gives_another_hash_but_not_the_contact_address(tmp_path):
    first = record(tmp_path)["configuration"]["sha256"]
    assert record(tmp_path)["configuration"]["sha256"] == first
    assert record(tmp_path, anomalies={"ratings": 100})["configuration"]["sha256"] != first
    asked = record(tmp_path, legacysurvey={"contact": "carina@example.org"})
    assert asked["configuration"]["sha256"] == first
    assert "carina" not in json.dumps(asked)


def test_input_files_that_are_there_have_their_checksum(tmp_path):
    tags = tmp_path / "data/tags.csv"
    tags.parent.mkdir()
    tags.write_text("iauname,tag\n")
    found = record(tmp_path)["inputs"]
    assert found[str(tags)] == hashlib.sha256(tags.read_bytes()).hexdigest()
    assert "config/claims.tsv" in found
    assert not any("nsa" in path for path in found)

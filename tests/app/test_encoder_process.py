"""The encoder's own process: what it answers, and what happens if it or the page ends."""

import json
import os
import select
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from tests.conftest import ROOT
from workflow.app import encoder_process
from workflow.app.encoder_process import GONE, LATE, NAME, EncoderProcess
from workflow.lib.common.errors import UserError
from workflow.lib.network.encoder import load_encoder, random_encoder, save_encoder
from workflow.lib.represent.embed import represent_thumbnail

pytestmark = pytest.mark.thorough

CROP = 32
OPTIONS = {"network_size": 40, "network_field": 0.75, "seed": 1, "views": 1}
RGB = np.random.default_rng(3).integers(0, 255, (64, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    weights = tmp_path_factory.mktemp("encoder") / "encoder.weights.h5"
    save_encoder(random_encoder(CROP, seed=1), weights, label="", training=None, seed=1)
    return {"weights": str(weights), "crop_size": CROP, "thumbnail_size": 64, **OPTIONS}


@pytest.fixture(scope="module")
def expected(settings):
    return represent_thumbnail(
        RGB, NAME, load_encoder(settings["weights"], CROP)[0], None, **OPTIONS
    )


@pytest.fixture(scope="module")
def shared(settings):
    process = EncoderProcess(settings)
    yield process
    process.close()


def wait_for_end(pid):
    """Wait until a process has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    select.select([handle], [], [])
    os.close(handle)


def assert_same(found, expected):
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_images_of_several_visitors_have_the_networks_representation(shared, expected):
    found = []
    threads = [
        threading.Thread(target=lambda rgb=rgb: found.append((rgb, shared.represent(rgb))))
        for rgb in (RGB, RGB[::-1], RGB)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same = [vector for rgb, vector in found if rgb is RGB]
    for vector in same:
        assert_same(vector, expected)
    assert len(found) == 3
    assert len(same) == 2


def test_a_process_that_was_killed_is_started_again(shared, expected):
    pid = shared.pid
    os.kill(pid, signal.SIGKILL)
    wait_for_end(pid)
    assert_same(shared.represent(RGB), expected)
    assert shared.pid != pid


def test_a_process_that_ends_during_an_image_is_a_sentence_and_then_all_is_well(shared, expected):
    shared.represent(RGB)
    os.kill(shared.pid, signal.SIGSTOP)  # it takes the image and never answers
    pid, problems = shared.pid, []

    def ask():
        try:
            shared.represent(RGB)
        except UserError as error:
            problems.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    os.kill(pid, signal.SIGKILL)
    thread.join()
    # If it ended before the image was sent, it was started again and has answered.
    assert problems in ([GONE], [])
    assert_same(shared.represent(RGB), expected)


def test_a_process_that_never_answers_is_a_sentence(settings, monkeypatch):
    monkeypatch.setattr(encoder_process, "PATIENCE", 0)
    process = EncoderProcess(settings)
    with pytest.raises(UserError) as caught:
        process.represent(RGB)
    assert str(caught.value) == LATE
    process.close()


def test_weights_that_cannot_be_read_are_a_sentence_each_time(settings, tmp_path):
    damaged = tmp_path / "encoder.weights.h5"
    damaged.write_bytes(b"not weights")
    (tmp_path / "encoder.json").write_bytes(
        (ROOT / settings["weights"]).with_name("encoder.json").read_bytes()
    )
    process = EncoderProcess(settings | {"weights": str(damaged)})
    for _ in range(2):
        with pytest.raises(UserError, match=r"encoder\.weights\.h5: not weights of this"):
            process.represent(RGB)
    process.close()


def test_it_ends_when_the_page_is_killed(settings):
    program = (
        "import json, sys; from workflow.app.encoder_process import EncoderProcess\n"
        "print(EncoderProcess(json.loads(sys.argv[1])).pid, flush=True); sys.stdin.read()"
    )

    command = [sys.executable, "-c", program, json.dumps(settings)]
    page = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    pid = int(page.stdout.readline())
    handle = os.pidfd_open(pid)
    page.kill()
    page.communicate()
    select.select([handle], [], [])
    os.close(handle)

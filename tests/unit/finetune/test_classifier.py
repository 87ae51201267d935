"""Which layers each depth trains, and that the parts of a cut encoder are the encoder."""

import keras
import numpy as np
import pytest

from workflow.lib.finetune.classifier import Classifier, build_classifier_head, cut, mark_trainable
from workflow.lib.network.encoder import random_encoder
from workflow.lib.planning.grid import DEPTHS

REPEATS = {"1": "a", "2": "ab", "3": "ab", "4": "abc", "5": "abc", "6": "abcd", "7": "a"}
"""The blocks of EfficientNetB0 (Tan & Le 2019, Table 1) as Keras Applications names them."""
IN_A_BLOCK = ("expand_conv", "dwconv", "se_reduce", "se_expand", "project_conv")


def block(number):
    return {
        f"block{number}{repeat}_{layer}"
        for repeat in REPEATS[number]
        for layer in IN_A_BLOCK
        if (number, layer) != ("1", "expand_conv")
    }


DEEPER = {
    "top": {"top_conv"},
    "block7+": block("7"),
    "block6+": block("6"),
    "block5+": block("5"),
    "block4+": block("4"),
    "all": {"stem_conv"} | block("3") | block("2") | block("1"),
}
"""What each depth trains that the one before does not."""


@pytest.fixture(scope="module")
def encoder():
    return random_encoder(32, seed=1)


@pytest.mark.parametrize("depth", DEPTHS)
def test_each_depth_trains_its_own_layers_and_no_normalisation(encoder, depth):
    upper = cut(encoder, depth).upper
    mark_trainable(upper, scratch=False, momentum=0.99)
    trained = {layer.name for layer in upper.layers if layer.trainable_variables}
    expected = set().union(*list(DEEPER.values())[: DEPTHS.index(depth) + 1])
    assert trained == expected
    # Nothing but kernels and biases: a normalisation has neither.
    assert {variable.name for variable in upper.trainable_variables} <= {"kernel", "bias"}


def test_from_scratch_normalisation_learns_too(encoder):
    mark_trainable(encoder, scratch=True, momentum=0.9)
    names = [variable.name for variable in encoder.trainable_variables]
    assert names.count("gamma") == names.count("beta") == 49


@pytest.mark.parametrize("depth", DEPTHS)
def test_the_parts_of_a_cut_encoder_give_the_same_representation(encoder, depth):
    lower, upper = cut(encoder, depth)
    images = np.random.default_rng(0).integers(0, 255, (2, 32, 32, 1)).astype(np.float32)
    features = images if lower is None else lower(images)
    np.testing.assert_allclose(
        np.asarray(upper(features)), np.asarray(encoder(images)), rtol=1e-4, atol=1e-9
    )


def test_the_head_is_that_of_the_paper_and_determined_by_its_seed():
    head = build_classifier_head(1280, [64, 64], 0.75, seed=1)
    shapes = [weight.shape for weight in head.get_weights()]
    assert shapes == [(1280, 64), (64,), (64, 64), (64,), (64, 1), (1,)]
    dropouts = [layer.rate for layer in head.layers if isinstance(layer, keras.layers.Dropout)]
    assert dropouts == [0.75, 0.75]
    same, other = (build_classifier_head(1280, [64, 64], 0.75, seed=seed) for seed in (1, 2))
    np.testing.assert_array_equal(head.get_weights()[0], same.get_weights()[0])
    assert (head.get_weights()[0] != other.get_weights()[0]).any()


def test_only_the_head_has_dropout_after_pretraining(encoder):
    images = np.random.default_rng(0).integers(0, 255, (4, 32, 32, 1)).astype(np.float32)
    for scratch in (False, True):
        mark_trainable(encoder, scratch, momentum=0.9)
        head = build_classifier_head(1280, [8], 0.0, seed=1)
        model = Classifier(encoder, head, scratch)
        learning, asked = (np.asarray(model(images, training=flag)) for flag in (True, False))
        assert np.allclose(learning, asked, rtol=1e-6, atol=0) is not scratch

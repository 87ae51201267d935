"""A network whose normalisation is folded into its convolutions is the same network."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from workflow.lib.network.encoder import build_encoder, random_encoder
from workflow.lib.network.fold_batchnorm import fold_normalisation

RNG = np.random.default_rng(1)
IMAGES = RNG.normal(0, 1, (6, 16, 16, 3)).astype(np.float32)


def block():
    """Build a network with every kind of convolution that EfficientNet has."""
    keras.utils.set_random_seed(1)
    inputs = flow = keras.Input((16, 16, 3))
    for convolve in (
        layers.Conv2D(8, 3, strides=2, padding="valid", use_bias=False),
        layers.DepthwiseConv2D(3, padding="same", use_bias=False),
        layers.DepthwiseConv2D(3, strides=2, padding="valid", use_bias=False),
        layers.Conv2D(5, 1, padding="same", use_bias=False),
    ):
        flow = layers.Activation("swish")(layers.BatchNormalization()(convolve(flow)))
    return keras.Model(inputs, layers.GlobalAveragePooling2D()(flow))


def learn_normalisation(network, variance=1.0):
    """Give each channel its own scale, shift and running means, as training does."""
    rng = np.random.default_rng(2)
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            shape = layer.gamma.shape
            gamma, beta, mean = rng.uniform(1, 3, shape), *rng.normal(0, 0.3, (2, *shape))
            layer.set_weights([gamma, beta, mean, variance * rng.uniform(0.1, 1, shape)])


def pair(build, path, variance=1.0):
    """Give Keras's network, and the folded one with the weights that Keras saved."""
    plain, folded = build(), build()
    learn_normalisation(plain, variance)
    fold_normalisation(folded)
    plain.save_weights(path)
    folded.load_weights(path)
    return plain, folded


def test_a_folded_network_has_the_same_output(tmp_path):
    plain, folded = pair(block, tmp_path / "x.weights.h5")
    expected = np.asarray(plain(IMAGES, training=False))
    assert expected.std(axis=0).min() > 0.01
    np.testing.assert_allclose(np.asarray(folded(IMAGES)), expected, rtol=1e-5, atol=1e-6)


def test_a_folded_network_learns_the_same(tmp_path):
    import tensorflow as tf

    gradients = []
    for network in pair(block, tmp_path / "x.weights.h5"):
        for layer in network.layers:
            layer.trainable = not isinstance(layer, layers.BatchNormalization)
        with tf.GradientTape() as tape:
            loss = ops.sum(ops.square(network(IMAGES, training=False)))
        gradients.append(tape.gradient(loss, [one.value for one in network.trainable_variables]))
    assert len(gradients[0]) == 4
    for ours, keras_own in zip(*gradients, strict=True):
        assert np.abs(keras_own).min() > 0
        np.testing.assert_allclose(ours, keras_own, rtol=1e-3, atol=1e-3)


@pytest.mark.thorough
def test_all_of_an_encoder_is_folded_and_stored_as_keras_stores_it(tmp_path):
    path = tmp_path / "x.weights.h5"
    plain, folded = pair(lambda: random_encoder(32, 1), path, variance=10)
    images = RNG.integers(0, 256, (4, 32, 32, 1)).astype(np.float32)
    expected = np.asarray(plain(images, training=False))
    limit = 1e-4 * np.abs(expected).max()
    np.testing.assert_allclose(np.asarray(folded(images)), expected, rtol=1e-3, atol=limit)
    kinds = [type(layer).__module__ for layer in folded.layers]
    assert kinds.count(fold_normalisation.__module__) == 2 * 49
    folded.save_weights(path)
    fresh = build_encoder(32)
    fresh.load_weights(path)
    for ours, keras_own in zip(fresh.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, keras_own)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_holds_large_variances(precision):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        plain, folded = block(), block()
    finally:
        keras.config.set_dtype_policy(before)
    fold_normalisation(folded)
    folded.set_weights(plain.get_weights())
    for network in (plain, folded):
        learn_normalisation(network, variance=1e6)
    expected, found = (
        np.asarray(ops.cast(network(IMAGES, training=False), "float32"))
        for network in (plain, folded)
    )
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_layers_that_cannot_be_folded_are_left_unchanged():
    network = keras.Sequential([keras.Input((4,)), layers.Dense(2), layers.BatchNormalization()])
    with pytest.raises(KeyError):
        fold_normalisation(network)
    assert type(network.layers[-1]) is layers.BatchNormalization

"""Fused batch normalisation gives the outputs, gradients and running means of Keras's own."""

import keras
import numpy as np
import tensorflow as tf

from workflow.lib.network.train_batchnorm import BatchNormalization


def test_fused_normalisation_agrees_with_keras():
    rng = np.random.default_rng(0)
    images = tf.constant(rng.normal(3, 2, (4, 5, 5, 3)), tf.float32)
    weights = tf.constant(rng.normal(size=(4, 5, 5, 3)), tf.float32)
    found = []
    for kind in (keras.layers.BatchNormalization, BatchNormalization):
        layer = kind(momentum=0.7)
        layer.build(images.shape)
        layer.gamma.assign([0.5, 1.0, 2.0])
        layer.beta.assign([0.1, 0.2, 0.3])
        with tf.GradientTape() as tape:
            tape.watch(images)
            outputs = layer(images, training=True)
            total = tf.reduce_sum(outputs * weights)
        sources = [images, layer.gamma.value, layer.beta.value]
        gradients = tape.gradient(total, sources)
        found.append([outputs, *gradients, *layer.weights, layer(images, training=False)])
    for ours, keras_own in zip(*found, strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(keras_own), rtol=1e-4, atol=1e-5)

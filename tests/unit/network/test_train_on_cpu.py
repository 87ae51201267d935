"""The faster operations give what Keras's own give: outputs, gradients, running means, steps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from workflow.lib.network.train_on_cpu import Adam, BatchNormalization, depthwise_conv


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


@pytest.mark.parametrize(
    ("side", "kernel", "stride"), [(4, 5, 1), (2, 5, 1), (2, 3, 1), (1, 3, 1), (4, 5, 2), (8, 5, 2)]
)
def test_depthwise_gradients_agree_with_keras(side, kernel, stride):
    rng = np.random.default_rng(0)
    margin = 0 if stride == 1 else kernel - 1  # as EfficientNet, which pads before a stride
    inputs = tf.constant(rng.normal(size=(3, side + margin, side + margin, 4)), tf.float32)
    weights = tf.constant(rng.normal(size=(kernel, kernel, 4, 1)), tf.float32)
    padding = "same" if stride == 1 else "valid"
    found = []
    for convolve in (keras.ops.depthwise_conv, depthwise_conv):
        with tf.GradientTape() as tape:
            tape.watch([inputs, weights])
            outputs = convolve(inputs, weights, (stride, stride), padding)
            total = tf.reduce_sum(tf.sin(outputs))
        found.append([outputs, *tape.gradient(total, [inputs, weights])])
    for ours, keras_own in zip(*found, strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(keras_own), rtol=1e-4, atol=1e-4)


def test_adam_takes_the_steps_of_keras():
    rng = np.random.default_rng(0)
    start = rng.normal(size=(5, 3)).astype(np.float32)
    gradients = rng.normal(size=(4, 5, 3)).astype(np.float32)
    found = []
    for kind in (keras.optimizers.Adam, Adam):
        variable, optimizer = keras.Variable(start), kind(learning_rate=0.01, global_clipnorm=2.0)
        optimizer.build([variable])
        for gradient in gradients:
            optimizer.apply([tf.constant(gradient)], [variable])
        found.append([np.asarray(one) for one in [variable, *optimizer.variables]])
    for ours, keras_own in zip(*found, strict=True):
        np.testing.assert_allclose(ours, keras_own, rtol=1e-5, atol=1e-7)

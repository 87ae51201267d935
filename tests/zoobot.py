"""Zoobot's network and checkpoints in the format of its release, built for tests."""

import re

import keras
import numpy as np
import tensorflow as tf

BLOCKS = [  # kernel, repeats, filters before and after, expansion, stride
    (3, 1, 32, 16, 1, 1),
    (3, 2, 16, 24, 6, 2),
    (5, 2, 24, 40, 6, 2),
    (3, 3, 40, 80, 6, 2),
    (5, 3, 80, 112, 6, 1),
    (5, 4, 112, 192, 6, 2),
    (3, 1, 192, 320, 6, 1),
]


def zoobot_network(size, channels=1):
    """Build EfficientNetB0 for pixels of 0-1: no rescaling, and TensorFlow's own padding."""
    layers = keras.layers
    inputs = keras.Input((size, size, channels))

    def convolve(x, filters, kernel=1, stride=1, act=True):
        x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        return layers.Activation("swish")(x) if act else x

    x = convolve(inputs, 32, kernel=3, stride=2)
    for kernel, repeats, before, after, expansion, first_stride in BLOCKS:
        for repeat in range(repeats):
            stride, filters = (first_stride, before) if repeat == 0 else (1, after)
            start, wide = x, filters * expansion
            if expansion > 1:
                x = convolve(x, wide)
            x = layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False)(x)
            x = layers.BatchNormalization()(x)
            x = layers.Activation("swish")(x)
            squeezed = layers.GlobalAveragePooling2D(keepdims=True)(x)
            squeezed = layers.Conv2D(filters // 4, 1, activation="swish")(squeezed)
            x = layers.Multiply()([x, layers.Conv2D(wide, 1, activation="sigmoid")(squeezed)])
            x = convolve(x, after, act=False)
            if repeat:
                x = layers.Add()([x, start])
    x = layers.GlobalAveragePooling2D()(convolve(x, 1280))
    return keras.Model(inputs, x)


def settle(network, seed, brightest=1):
    """Give a network weights like trained ones, so that its output depends on the picture."""
    rng = np.random.default_rng(seed)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.gamma.assign(rng.uniform(0.7, 1.3, layer.gamma.shape))
            layer.beta.assign(rng.normal(0, 0.1, layer.beta.shape))
            layer.momentum = 0.0
    images = rng.uniform(0, brightest, (8, *network.input_shape[1:])).astype(np.float32)
    network(images, training=True)


def variables_of(network, place="layer_with_weights-0/layer_with_weights-0/"):
    """Map the paths under which Keras 2 would save a network's variables to their values."""
    layers = [layer for layer in network.layers if layer.weights]
    paths = {}
    for number, layer in enumerate(layers):
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        for weight in layer.weights:
            name = "depthwise_kernel" if depthwise else weight.name
            paths[f"{place}layer_with_weights-{number}/{name}"] = np.asarray(weight)
    return paths


def head_variables(answers, seed):
    """Give the variables of the dense layer after the encoder."""
    rng = np.random.default_rng(seed)
    return {
        "layer_with_weights-1/kernel": rng.normal(0, 0.1, (1280, answers)).astype(np.float32),
        "layer_with_weights-1/bias": rng.normal(0, 1, answers).astype(np.float32),
    }


def write_checkpoint(variables, prefix):
    """Write a checkpoint with a step counter and an optimiser, as in training; give its index."""
    root = tf.Module()
    for path, value in variables.items():
        *above, name = path.split("/")
        node = root
        for step in above:
            if not hasattr(node, step):
                setattr(node, step, tf.Module())
            node = getattr(node, step)
        setattr(node, name, tf.Variable(value))
    root.step = tf.Variable(0, dtype=tf.int64, trainable=False)
    optimizer = root.optimizer = tf.compat.v1.train.AdamOptimizer()
    trained = root.trainable_variables[:1]
    optimizer.apply_gradients([(tf.zeros_like(variable), variable) for variable in trained])
    prefix.parent.mkdir(parents=True, exist_ok=True)
    tf.train.Checkpoint(root).write(str(prefix))
    return prefix.with_name(f"{prefix.name}.index")


def nested(variables):
    """Rename variables as if stem, blocks and top were separate models, as in later releases."""
    inner = [path for path in variables if path.count("/") == 3]
    top = max(map(number_of, inner)) - 1
    starts = [0, 2, top]
    renamed = {path: value for path, value in variables.items() if path not in inner}
    for path in inner:
        part = sum(number_of(path) >= start for start in starts) - 1
        above, name = path.split("/")[:2], path.rpartition("/")[2]
        place = [*above, f"layer_with_weights-{part}"]
        number = number_of(path) - starts[part]
        renamed["/".join([*place, f"layer_with_weights-{number}", name])] = variables[path]
    return renamed


def number_of(path):
    """Give the number of the innermost layer of a path."""
    return int(re.findall(r"\d+", path)[-1])

"""Training on a CPU: operations that are faster than those that Keras chooses there.

They give the same results up to rounding. Layers change their class in place, for the reasons given
in `fold_batchnorm`.
"""

from typing import Any

import keras
from keras import ops

from workflow.lib.network.devices import on_tensorflow_cpu

Tensor = Any
"""A tensor of Keras's backend."""

# Keras stores weights under the names of their layers' classes, so these are named as Keras's are.


class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalisation, computed by TensorFlow's fused operation in training.

    A training step of EfficientNetB0 takes little more than half as long as with the dozen
    operations that Keras uses, each of which passes over the whole feature map.
    """

    def call(
        self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Normalise (n, h, w, channels) by the batch, and move the running means towards it."""
        if not training or not self.trainable:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf  # Here, as other backends work without it.

        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=self.moving_mean,
            variance=self.moving_variance,
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.size(inputs) / inputs.shape[-1], variance.dtype)
        # TensorFlow divides the sum of squares by count - 1, Keras by count.
        for running, batch in (
            (self.moving_mean, mean),
            (self.moving_variance, variance * (count - 1) / count),
        ):
            running.assign(running * self.momentum + batch * (1 - self.momentum))
        return outputs


class DepthwiseConv2D(keras.layers.DepthwiseConv2D):
    """Keras's depthwise convolution, with the gradient of `depthwise_conv`."""

    def call(self, inputs: Tensor) -> Tensor:
        """Convolve (n, h, w, channels)."""
        return depthwise_conv(inputs, self.kernel, self.strides, self.padding)


class Adam(keras.optimizers.Adam):
    """Keras's Adam (Kingma & Ba 2015), in one pass over a variable instead of ten.

    What all variables share is calculated once: TensorFlow takes seconds to plan a step in which
    each of 213 variables has a dozen operations of its own.
    """

    def _backend_update_step(
        self, grads: list[Tensor], trainable_variables: list[Any], learning_rate: Tensor
    ) -> None:
        steps = ops.cast(self.iterations + 1, "float32")
        numbers = {
            "beta1_power": ops.power(self.beta_1, steps),
            "beta2_power": ops.power(self.beta_2, steps),
            "lr": learning_rate,
            "beta1": self.beta_1,
            "beta2": self.beta_2,
            "epsilon": self.epsilon,
        }
        (kind,) = {variable.dtype for variable in trainable_variables}
        shared = {name: ops.cast(number, kind) for name, number in numbers.items()}
        super()._backend_update_step(grads, trainable_variables, shared)

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: dict) -> None:
        """Move one variable; `gradient` has its shape, `learning_rate` is what all share."""
        import tensorflow as tf

        place = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=_handle(variable),
            m=_handle(self._momentums[place]),
            v=_handle(self._velocities[place]),
            grad=gradient,
            **learning_rate,
        )


def _handle(variable: Any) -> Tensor:
    """Give TensorFlow's reference to a variable of Keras or of its own."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle


def train_layers(network: keras.Model, momentum: float) -> None:
    """Set the momentum of normalisation's running means, and use this module's layers on a CPU."""
    faster = {
        keras.layers.BatchNormalization: BatchNormalization,
        keras.layers.DepthwiseConv2D: DepthwiseConv2D,
    }
    replaced = faster if on_tensorflow_cpu() else {}
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
        layer.__class__ = replaced.get(type(layer), type(layer))


def adam(clip_norm: float | None) -> keras.optimizers.Optimizer:
    """Give the optimiser Adam, with a maximum norm of the gradient."""
    return (Adam if on_tensorflow_cpu() else keras.optimizers.Adam)(global_clipnorm=clip_norm)


def depthwise_conv(
    inputs: Tensor, kernel: Tensor, strides: tuple[int, int], padding: str
) -> Tensor:
    """Convolve each channel with its own kernel, as `keras.ops.depthwise_conv`.

    On a CPU, where the kernel is larger than the map, TensorFlow's gradient for the kernel takes up
    to seven times as long as the same numbers calculated by a second convolution, with the images
    as channels and the gradient of the output as the kernel. EfficientNetB0 has four to ten such
    layers for views of 32 to 64 pixels, and none for the paper's of 224.

    Parameters
    ----------
    inputs
        Shape (n, h, w, channels).
    kernel
        Shape (k, k, channels, 1).
    strides
        Two equal numbers.
    padding
        ``same`` (only with a stride of 1) or ``valid``.
    """
    size = kernel.shape[0]
    if not on_tensorflow_cpu() or inputs.shape[1] is None or size <= inputs.shape[1] // strides[0]:
        return ops.depthwise_conv(inputs, kernel, strides, padding)
    import tensorflow as tf

    step = [1, *strides, 1]

    @tf.custom_gradient
    def convolve(inputs: Tensor, kernel: Tensor) -> tuple[Tensor, Any]:
        def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
            of_inputs = tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
                input_sizes=tf.shape(inputs),
                filter=kernel,
                out_backprop=upstream,
                strides=step,
                padding=padding.upper(),
            )
            return of_inputs, _kernel_gradient(inputs, upstream, size, strides[0], padding)

        outputs = tf.raw_ops.DepthwiseConv2dNative(
            input=inputs, filter=kernel, strides=step, padding=padding.upper()
        )
        return outputs, gradient

    # TensorFlow refuses variables inside such a function; their values are tensors.
    return convolve(inputs, tf.convert_to_tensor(ops.convert_to_tensor(kernel)))


def _kernel_gradient(
    inputs: Tensor, upstream: Tensor, size: int, stride: int, padding: str
) -> Tensor:
    import tensorflow as tf

    if padding == "same":
        margin = [(size - 1) // 2, size // 2]
        inputs = tf.pad(inputs, [[0, 0], margin, margin, [0, 0]])
    upstream = _spread(upstream, stride)
    channels, side, out = inputs.shape[3], inputs.shape[1], upstream.shape[1]

    def as_channels(maps: Tensor, side: int) -> Tensor:
        """Give (side, side, n * channels) for maps (n, side, side, channels)."""
        return tf.reshape(tf.transpose(maps, [1, 2, 0, 3]), (side, side, -1))

    each = tf.raw_ops.DepthwiseConv2dNative(
        input=as_channels(inputs, side)[None],
        filter=as_channels(upstream, out)[..., None],
        strides=[1, 1, 1, 1],
        padding="VALID",
    )[0, :size, :size]
    return tf.reduce_sum(tf.reshape(each, (size, size, -1, channels)), axis=2)[..., None]


def _spread(maps: Tensor, stride: int) -> Tensor:
    """Put ``stride - 1`` zeros between the pixels of maps (n, side, side, channels).

    TensorFlow dilates a kernel by itself only on processors with AVX-512.
    """
    import tensorflow as tf

    side, channels = maps.shape[2:]
    apart = tf.pad(
        maps[:, :, None, :, None],
        [[0, 0], [0, 0], [0, stride - 1], [0, 0], [0, stride - 1], [0, 0]],
    )
    joined = tf.reshape(apart, (-1, side * stride, side * stride, channels))
    return joined[:, : (side - 1) * stride + 1, : (side - 1) * stride + 1]

"""Batch normalisation in training: its momentum, and a faster operation on CPUs.

Layers change their class in place, for the reasons given in `fold_batchnorm`.
"""

import keras

from workflow.lib.network.devices import count_gpus


# Keras stores weights under the names of their layers' classes, so this is named as Keras's is.
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalisation, computed by TensorFlow's fused operation in training.

    The results are equal up to rounding. On a CPU a training step of EfficientNetB0 takes little
    more than half as long as with the dozen operations that Keras uses, each of which passes over
    the whole feature map.
    """

    def call(
        self,
        inputs: keras.KerasTensor,
        training: bool | None = None,
        mask: keras.KerasTensor | None = None,
    ) -> keras.KerasTensor:
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


def train_normalisation(network: keras.Model, momentum: float) -> None:
    """Set the momentum of the running means, and use the fused operation on CPUs."""
    fused = keras.backend.backend() == "tensorflow" and not count_gpus()
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
            if fused:
                layer.__class__ = BatchNormalization

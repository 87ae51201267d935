"""Batch normalisation in training: its momentum, and a faster operation on CPUs."""

import keras

from workflow.lib.network.devices import count_gpus


class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's, by TensorFlow's fused operation in training.

    The numbers are the same but for rounding. On a CPU a step of EfficientNetB0 takes little more
    than half as long as with the dozen operations, each through all memory, that Keras makes of it.
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
        import tensorflow as tf

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
        # TensorFlow estimates the variance of all there might be, Keras gives the batch's own.
        for running, batch in (
            (self.moving_mean, mean),
            (self.moving_variance, variance * (count - 1) / count),
        ):
            running.assign(running * self.momentum + batch * (1 - self.momentum))
        return outputs


def train_normalisation(network: keras.Model, momentum: float) -> None:
    """Have batch normalisation learn with this momentum of its running means, and fast."""
    fused = keras.backend.backend() == "tensorflow" and not count_gpus()
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
            if fused:
                layer.__class__ = BatchNormalization

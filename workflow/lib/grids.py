"""What the configuration expands into. Parsed by every job, so nothing heavy is imported here."""

FIGURE_SAMPLES = {"figure_1": "all", "figure_A1": "featured", "figure_A2": "spiral"}
"""The umap sample that each representation figure shows (Figs. 1, A1 and A2)."""

STAND_IN = "stand-in"
"""In the place of a path to weights: train on procedural pictures instead."""


def shard_names(count: int) -> list[str]:
    """Name the `count` shards of a survey.

    The name carries the count, so that old and new shards never mix.

    Examples
    --------
    >>> shard_names(10)[:2]
    ['00-of-10', '01-of-10']
    """
    width = len(str(count))
    return [f"{index:0{width}d}-of-{count}" for index in range(count)]


def parse_shard(name: str) -> tuple[int, int]:
    """Give the index and the count of a shard's name.

    Examples
    --------
    >>> parse_shard("03-of-10")
    (3, 10)
    """
    index, count = name.split("-of-")
    return int(index), int(count)


def weights_file(path: str) -> str:
    """Name the file of given weights; a TensorFlow checkpoint may go by its prefix.

    Examples
    --------
    >>> weights_file("zoobot/checkpoint")
    'zoobot/checkpoint.index'
    >>> weights_file("efficientnetb0_notop.h5")
    'efficientnetb0_notop.h5'
    """
    return path if path.endswith((".h5", ".index")) else f"{path}.index"


def repeat_names(count: int) -> list[str]:
    """Name the `count` repeats of an experiment.

    Examples
    --------
    >>> repeat_names(15)[-1]
    '14'
    """
    return [f"{number:0{len(str(count - 1))}d}" for number in range(count)]

"""What the benchmarks of Zoobot share; all of it runs in the competitors' environment."""

from pathlib import Path
from typing import Any


def load_torchvision() -> None:
    """Import torchvision, also a build for GPUs beside a PyTorch for CPUs.

    It then cannot load its own operators, and fails when it registers two that are not there.
    Zoobot needs none of them.
    """
    from importlib.metadata import version

    import torch

    if torch.version.cuda is None and "+" not in version("torchvision"):
        operators = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision  # noqa: F401


def catalogue(folder: Path) -> Any:
    """List the JPEGs of a folder as Zoobot reads them: a table of id_str and file_loc."""
    import pandas as pd

    paths = sorted(folder.glob("*.jpg"))
    files = [str(path) for path in paths]
    return pd.DataFrame({"id_str": [path.stem for path in paths], "file_loc": files})


def views(size: int, train: bool) -> Any:
    """Give Zoobot's own transformation, to grey images of this side [pixel]."""
    from galaxy_datasets.transforms import (
        default_view_config,
        get_galaxy_transform,
        minimal_view_config,
    )

    settings = default_view_config() if train else minimal_view_config()
    settings.output_size, settings.greyscale = size, True
    return get_galaxy_transform(settings)


def encoder() -> Any:
    """Build Zoobot's EfficientNetB0 for grey images; its weights cannot be downloaded here."""
    from zoobot.pytorch.estimators.define_model import get_pytorch_encoder

    return get_pytorch_encoder("efficientnet_b0", channels=1)

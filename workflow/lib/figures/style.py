"""The style of all figures: fonts, colours that colour-blind readers can tell apart, names."""

from typing import NamedTuple

import matplotlib
import matplotlib.pyplot as plt

matplotlib.use("Agg")

plt.rcParams.update(
    {
        "font.size": 8,
        "font.family": "serif",
        "axes.labelsize": 8,
        "axes.titlesize": 8,
        "axes.linewidth": 0.6,
        "xtick.labelsize": 7,
        "ytick.labelsize": 7,
        "legend.fontsize": 7,
        "legend.frameon": False,
        "lines.linewidth": 1.2,
        "lines.markersize": 3.5,
        # Text stays text in the PDF.
        "pdf.fonttype": 42,
        # The same data must give the same bytes.
        "svg.hashsalt": "morphoflow",
    }
)

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
"""The colours of Okabe and Ito (2008); yellow is too light for lines."""

TALLEST = 9.4
"""Height of the journal's page [inch]."""

NOTE_SIZE = 6.5
"""Size of the notes under a figure [point]."""


class Look(NamedTuple):
    """How a line looks; any two differ in more than their colour."""

    colour: str
    dash: str | tuple[int, tuple[float, ...]]
    marker: str


LOOKS = (
    Look(BLUE, "-", "o"),
    Look(ORANGE, (0, (6, 1.5)), "s"),
    Look(GREEN, (0, (3, 1, 1, 1)), "^"),
    Look(PURPLE, (0, (4, 1, 1, 1, 1, 1)), "D"),
    Look(SKY, (0, (2, 1)), "v"),
    Look(VERMILION, (0, (8, 2, 2, 2)), "P"),
    Look(BLACK, (0, (1, 1)), "X"),
)
"""For lines without a look of their own, in order, and again from the first."""

METHODS = {"baseline": "Baseline", "ellipse-gp": "Ellipse + GP", "cnn-gp": "CNN + GP"}
"""Names of the anomaly methods in the paper's Table 1; others keep their own name."""

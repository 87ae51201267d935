"""The decision tree of Galaxy Zoo DECaLS: its questions, answers and their order."""

from collections.abc import Iterator, Mapping

import numpy as np

QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "smooth-or-featured": ("smooth", "featured-or-disk", "artifact"),
    "disk-edge-on": ("yes", "no"),
    "has-spiral-arms": ("yes", "no"),
    "bar": ("strong", "weak", "no"),
    "bulge-size": ("dominant", "large", "moderate", "small", "none"),
    "how-rounded": ("round", "in-between", "cigar-shaped"),
    "edge-on-bulge": ("boxy", "none", "rounded"),
    "spiral-winding": ("tight", "medium", "loose"),
    "spiral-arm-count": ("1", "2", "3", "4", "more-than-4", "cant-tell"),
    "merging": ("none", "minor-disturbance", "major-disturbance", "merger"),
}
"""The questions of the GZ DECaLS decision tree and their answers."""

FIRST_QUESTION = "smooth-or-featured"

NEXT_QUESTION: Mapping[str, Mapping[str, str | None]] = {
    "smooth-or-featured": {
        "smooth": "how-rounded",
        "featured-or-disk": "disk-edge-on",
        "artifact": None,
    },
    "disk-edge-on": {"yes": "edge-on-bulge", "no": "bar"},
    "edge-on-bulge": dict.fromkeys(QUESTIONS["edge-on-bulge"], "merging"),
    "bar": dict.fromkeys(QUESTIONS["bar"], "has-spiral-arms"),
    "has-spiral-arms": {"yes": "spiral-winding", "no": "bulge-size"},
    "spiral-winding": dict.fromkeys(QUESTIONS["spiral-winding"], "spiral-arm-count"),
    "spiral-arm-count": dict.fromkeys(QUESTIONS["spiral-arm-count"], "bulge-size"),
    "bulge-size": dict.fromkeys(QUESTIONS["bulge-size"], "merging"),
    "how-rounded": dict.fromkeys(QUESTIONS["how-rounded"], "merging"),
    "merging": dict.fromkeys(QUESTIONS["merging"], None),
}
"""The question that each answer leads to. Each question comes before those it leads to."""


def answer_columns(question: str, ending: str = "") -> list[str]:
    """Name the column of each answer, ``{question}_{answer}{ending}``, in order."""
    return [f"{question}_{answer}{ending}" for answer in QUESTIONS[question]]


def by_question(values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Cut an array with a column for each answer into blocks, one for each question."""
    ends = np.cumsum([len(answers) for answers in QUESTIONS.values()])
    return zip(QUESTIONS, np.split(values, ends[:-1], axis=1), strict=True)

"""What checks find: a line for each problem, and for each thing that could not be checked."""

NOTE = "note: "
"""Beginning of a line that does not stop a run."""


def is_problem(line: str) -> bool:
    """Tell whether a line stops a run."""
    return not line.startswith(NOTE)

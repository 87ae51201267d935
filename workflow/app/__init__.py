"""The web page: galaxies like this one. `python -m workflow.app` starts it."""

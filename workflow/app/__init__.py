"""The web page: similar galaxies, and the hunt. `python -m workflow.app` starts it."""

"""Stage 2: images of the galaxies."""

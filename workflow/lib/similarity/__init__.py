"""Stage 5: similar galaxies."""

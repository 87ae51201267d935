"""Stage 2: images of the galaxies, fetched, scaled and coloured."""

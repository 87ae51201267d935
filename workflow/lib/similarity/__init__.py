"""Stage 5: galaxies that look alike."""

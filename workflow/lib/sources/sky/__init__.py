"""A simulated sky: galaxies, images of them, votes and tags, in the form of the real sources."""

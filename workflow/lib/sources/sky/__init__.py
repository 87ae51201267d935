"""The simulated sky: galaxies, the instruments that see them and the volunteers who judge them."""

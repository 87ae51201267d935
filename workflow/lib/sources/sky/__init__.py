"""A simulated sky."""

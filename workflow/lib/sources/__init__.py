"""Stage 0: where data come from: downloads, the NASA-Sloan Atlas, or a simulated sky."""

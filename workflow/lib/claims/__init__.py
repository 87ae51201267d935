"""Stage 9: the paper's claims beside our results."""

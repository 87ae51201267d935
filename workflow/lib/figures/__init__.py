"""Stage 8: figures and Table 1."""

"""Stage 0: where tables and images come from."""

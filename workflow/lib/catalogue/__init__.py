"""Stage 1: from source tables to one catalogue a survey."""

"""Stage 1: from the source tables to one catalogue per survey, and its shards."""

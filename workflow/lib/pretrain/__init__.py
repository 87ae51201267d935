"""Stage 3: encoders that learn from votes."""

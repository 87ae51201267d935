"""Stage 6: searches for anomalies."""

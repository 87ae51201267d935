"""Checks and expands the configuration. Snakemake imports this in every job: no heavy imports."""

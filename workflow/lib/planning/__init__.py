"""What the configuration means: read by Snakemake itself, so nothing heavy is imported here."""

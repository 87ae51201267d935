# Input functions of 5_similarity.smk.


def tags_of(wildcards):
    """Name the tags of a survey's galaxies."""
    if wildcards.survey not in TAGGED:
        # Snakemake shows an error raised here with its trace, but names a missing file.
        return f"(config) surveys.{wildcards.survey}.tags"
    return "<results>/5_similarity/{survey}/tags.parquet"


def vote_columns(survey):
    """Name the vote fractions that a survey's tags are made from, if they are."""
    fractions = TAGGED.get(survey, {}).get("fractions", {})
    return sorted({column for columns in fractions.values() for column in columns})

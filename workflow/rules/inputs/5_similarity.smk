# Input functions of 5_similarity.smk.


def tags_of(wildcards):
    """Name the table of a survey's tags."""
    if wildcards.survey not in TAGGED:
        # An error raised here would be shown with a traceback; a missing file is named in one line.
        return f"(config) surveys.{wildcards.survey}.tags"
    return "<results>/5_similarity/{survey}/tags.parquet"


def vote_columns(survey):
    """Name the vote fractions that a survey's tags are made from; none for tags from a table."""
    fractions = TAGGED.get(survey, {}).get("fractions", {})
    return sorted({column for columns in fractions.values() for column in columns})

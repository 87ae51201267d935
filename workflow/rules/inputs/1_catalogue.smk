# Input functions of 1_catalogue.smk.


def tables_of(wildcards):
    """List the tables that a survey's catalogue is made from."""
    catalogue = SURVEYS[wildcards.survey]["catalogue"]
    return {
        key: path for key, path in catalogue.items() if not key.endswith(("_column", "_columns"))
    }


# What the jobs planned need of the votes on rare features but will not have: a line each.
LACKING = {}


def catalogue_with(survey, column, user):
    """Name a survey's catalogue, of which `user` needs a column; note if the column will be missing.

    A run stops at its start if a line was noted, before it downloads anything. A dry-run does not.
    """
    line = lacking_votes(survey, SURVEYS[survey]["catalogue"], column, user)
    if line:
        LACKING[line] = None
    return f"<results>/1_catalogue/{survey}.parquet"

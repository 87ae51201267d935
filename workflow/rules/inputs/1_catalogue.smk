# Input functions of 1_catalogue.smk.


def tables_of(wildcards):
    """List the tables that a survey's catalogue is made from."""
    return catalogue_tables(SURVEYS[wildcards.survey]["catalogue"])

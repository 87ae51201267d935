# Input functions of 1_catalogue.smk.


def tables_of(wildcards):
    """List the tables that a survey's catalogue is made from."""
    catalogue = SURVEYS[wildcards.survey]["catalogue"]
    return {key: path for key, path in catalogue.items() if key != "id_column"}

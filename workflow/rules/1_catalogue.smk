# Selection cuts, then a fixed number of shards.
# Reads: the tables named by surveys.{survey}.catalogue. Writes: <results>/1_catalogue/*.
# Paper: Sec. 2.1.
from workflow.lib.planning.grid import catalogue_tables


include: "inputs/1_catalogue.smk"


rule select_galaxies:
    """Apply the survey's cuts, and count how many galaxies each removes."""
    input:
        unpack(tables_of),
    output:
        catalogue="<results>/1_catalogue/{survey}.parquet",
        counts="<results>/1_catalogue/{survey}/selection_counts.json",
    log:
        "<logs>/1_catalogue/select_galaxies/{survey}.log",
    benchmark:
        "<benchmarks>/1_catalogue/select_galaxies/{survey}.tsv"
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000, 1000),
        runtime=escalate(60),
    params:
        code=code_of("select_galaxies"),
        id_column=lambda wildcards: SURVEYS[wildcards.survey]["catalogue"].get("id_column"),
        rare_columns=lambda wildcards: SURVEYS[wildcards.survey]["catalogue"].get("rare_columns"),
        cuts=lambda wildcards: SURVEYS[wildcards.survey].get("cuts", {}),
        exclude=lambda wildcards: SURVEYS[wildcards.survey].get("exclude", []),
        stamps=lambda wildcards: [*map(users_stamp, tables_of(wildcards).values())],
        missing_values=lambda wildcards: SURVEYS[wildcards.survey].get("missing_values", []),
        published=lambda wildcards: SURVEYS[wildcards.survey].get("published"),
        pixel_scale=config["cutouts"]["pixel_scale"],
        nsa=config["nsa"],
    script:
        "../../scripts/1_catalogue/select_galaxies.py"


localrules:
    write_shard,


rule write_shard:
    """Write the galaxies of one shard; a job of a later stage works on one shard."""
    input:
        catalogue="<results>/1_catalogue/{survey}.parquet",
    output:
        "<results>/1_catalogue/{survey}/shards/{shard}.csv",
    log:
        "<logs>/1_catalogue/write_shard/{survey}/{shard}.log",
    benchmark:
        "<benchmarks>/1_catalogue/write_shard/{survey}/{shard}.tsv"
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=escalate(1000),
        runtime=escalate(10),
    params:
        code=code_of("write_shard"),
    script:
        "../../scripts/1_catalogue/write_shard.py"


rule catalogue:
    """Target: the catalogues of all surveys that the figures show."""
    input:
        expand("<results>/1_catalogue/{survey}.parquet", survey=IN_FIGURES),

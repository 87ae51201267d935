# Similar galaxies: nearest neighbours in the representation, and how similar they really are.
# Reads: <results>/4_represent/{survey}/{pretraining}/*, <results>/1_catalogue/*, tags.
# Writes: <results>/5_similarity/{survey}/*. Paper: Sec. 2.4.


include: "inputs/5_similarity.smk"


TAGGED = {name: survey["tags"] for name, survey in SURVEYS.items() if "tags" in survey}


rule gather_tags:
    """Count how often volunteers gave each galaxy each tag, with synonyms merged."""
    input:
        tags=lambda wildcards: TAGGED[wildcards.survey]["table"],
        rules="config/tags.tsv",
        catalogue="<results>/1_catalogue/{survey}.parquet",
    output:
        "<results>/5_similarity/{survey}/tags.parquet",
    log:
        "<logs>/5_similarity/gather_tags/{survey}.log",
    benchmark:
        "<benchmarks>/5_similarity/gather_tags/{survey}.tsv"
    wildcard_constraints:
        survey=one_of(name for name, tags in TAGGED.items() if "table" in tags),
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 500),
        runtime=escalate(10),
    params:
        code=code_of("gather_tags"),
        stamp=lambda wildcards: users_stamp(TAGGED[wildcards.survey]["table"]),
    script:
        "../../scripts/5_similarity/gather_tags.py"


rule derive_tags:
    """Make tags from votes, for a survey without tags."""
    input:
        catalogue="<results>/1_catalogue/{survey}.parquet",
    output:
        "<results>/5_similarity/{survey}/tags.parquet",
    log:
        "<logs>/5_similarity/derive_tags/{survey}.log",
    benchmark:
        "<benchmarks>/5_similarity/derive_tags/{survey}.tsv"
    wildcard_constraints:
        survey=one_of(name for name, tags in TAGGED.items() if "fractions" in tags),
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 500),
        runtime=escalate(10),
    params:
        code=code_of("derive_tags"),
        fractions=lambda wildcards: TAGGED[wildcards.survey]["fractions"],
        above=config["similarity"]["above"],
    script:
        "../../scripts/5_similarity/derive_tags.py"


rule find_neighbours:
    """Find the galaxies most similar to the one most often given each common tag."""
    input:
        representation=f"<results>/4_represent/{{survey}}/{{pretraining}}/pca{config['similarity']['components']}.parquet",
        catalogue="<results>/1_catalogue/{survey}.parquet",
        tags=tags_of,
    output:
        "<results>/5_similarity/{survey}/{pretraining}/neighbours.parquet",
    log:
        "<logs>/5_similarity/find_neighbours/{survey}/{pretraining}.log",
    benchmark:
        "<benchmarks>/5_similarity/find_neighbours/{survey}/{pretraining}.tsv"
    conda:
        "../../envs/represent.yaml"
    threads: config["representation"]["threads"]
    resources:
        mem_mb=memory(1000, 1000),
        runtime=escalate(10),
    params:
        code=code_of("find_neighbours"),
        most_common=config["similarity"]["most_common"],
        neighbours=config["similarity"]["neighbours"],
        metric=config["similarity"]["metric"],
        same_within=config["similarity"]["same_within"],
    script:
        "../../scripts/5_similarity/find_neighbours.py"


rule measure_retrieval:
    """Measure how many neighbours have the tag or answer of the galaxy searched from."""
    input:
        compressed=expand(
            "<results>/4_represent/{{survey}}/{{pretraining}}/pca{components}.parquet",
            components=config["similarity"]["retrieval"]["components"],
        ),
        full="<results>/4_represent/{survey}/{pretraining}/representation.npy",
        catalogue="<results>/1_catalogue/{survey}.parquet",
        tags=tags_of,
    output:
        "<results>/5_similarity/{survey}/{pretraining}/retrieval.csv",
    log:
        "<logs>/5_similarity/measure_retrieval/{survey}/{pretraining}.log",
    benchmark:
        "<benchmarks>/5_similarity/measure_retrieval/{survey}/{pretraining}.tsv"
    conda:
        "../../envs/represent.yaml"
    threads: config["representation"]["threads"]
    resources:
        mem_mb=memory(4000, 2000),
        runtime=escalate(240),
    params:
        code=code_of("measure_retrieval"),
        questions=config["pretraining"]["questions"],
        answers=lambda wildcards: vote_columns(wildcards.survey),
        most_common=config["similarity"]["most_common"],
        above=config["similarity"]["above"],
        retrieval=config["similarity"]["retrieval"],
    script:
        "../../scripts/5_similarity/measure_retrieval.py"


rule measure_overlap:
    """Measure how many nearest galaxies stay the same with fewer dimensions or another distance."""
    input:
        compressed=expand(
            "<results>/4_represent/{{survey}}/{{pretraining}}/pca{components}.parquet",
            components=config["similarity"]["retrieval"]["components"],
        ),
        full="<results>/4_represent/{survey}/{pretraining}/representation.npy",
        catalogue="<results>/1_catalogue/{survey}.parquet",
    output:
        "<results>/5_similarity/{survey}/{pretraining}/overlap.csv",
    log:
        "<logs>/5_similarity/measure_overlap/{survey}/{pretraining}.log",
    benchmark:
        "<benchmarks>/5_similarity/measure_overlap/{survey}/{pretraining}.tsv"
    conda:
        "../../envs/represent.yaml"
    threads: config["representation"]["threads"]
    resources:
        mem_mb=memory(4000, 2000),
        runtime=escalate(60),
    params:
        code=code_of("measure_overlap"),
        retrieval=config["similarity"]["retrieval"],
    script:
        "../../scripts/5_similarity/measure_overlap.py"


rule compare_planes:
    """Compare the planes that umap makes with and without a PCA before it."""
    input:
        compressed=f"<results>/4_represent/{{survey}}/{{pretraining}}/pca{config['umap']['components']}.parquet",
        full="<results>/4_represent/{survey}/{pretraining}/representation.npy",
        catalogue="<results>/1_catalogue/{survey}.parquet",
    output:
        "<results>/5_similarity/{survey}/{pretraining}/planes.csv",
    log:
        "<logs>/5_similarity/compare_planes/{survey}/{pretraining}.log",
    benchmark:
        "<benchmarks>/5_similarity/compare_planes/{survey}/{pretraining}.tsv"
    conda:
        "../../envs/represent.yaml"
    threads: 1
    resources:
        mem_mb=memory(4000, 2000),
        runtime=escalate(60),
    params:
        code=code_of("compare_planes"),
        questions=config["pretraining"]["questions"],
        answers=lambda wildcards: vote_columns(wildcards.survey),
        min_votes=config["similarity"]["retrieval"]["min_votes"],
        umap={
            key: config["umap"][key]
            for key in ["components", "without_pca", "n_neighbors", "min_dist", "seed"]
        },
    script:
        "../../scripts/5_similarity/compare_planes.py"


rule compare_votes:
    """Compare the votes on neighbours with those on random galaxies."""
    input:
        neighbours="<results>/5_similarity/{survey}/{pretraining}/neighbours.parquet",
        catalogue="<results>/1_catalogue/{survey}.parquet",
    output:
        "<results>/5_similarity/{survey}/{pretraining}/shared_votes.csv",
    log:
        "<logs>/5_similarity/compare_votes/{survey}/{pretraining}.log",
    benchmark:
        "<benchmarks>/5_similarity/compare_votes/{survey}/{pretraining}.tsv"
    conda:
        "../../envs/represent.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 1500),
        runtime=escalate(30),
    params:
        code=code_of("compare_votes"),
        questions=config["pretraining"]["questions"],
        answers=lambda wildcards: vote_columns(wildcards.survey),
        retrieval=config["similarity"]["retrieval"],
    script:
        "../../scripts/5_similarity/compare_votes.py"


rule similarity:
    """Target: neighbours of tagged galaxies, and how similar they are."""
    input:
        expand(
            "<results>/5_similarity/{survey}/{pretraining}/{table}",
            survey=TAGGED.keys() & {SHOWN},
            pretraining=PRETRAINING,
            table=["neighbours.parquet", "retrieval.csv", "overlap.csv", "shared_votes.csv"],
        ),

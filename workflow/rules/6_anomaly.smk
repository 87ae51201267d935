# Anomalies: repeated searches for those of each task, by each method, and their scores.
# Reads: <results>/1_catalogue/*, <results>/2_cutouts/*, <results>/4_represent/*, anomalies.tasks.
# Writes: <results>/6_anomaly/{survey}/*, <results>/6_anomaly/{task}/*. Paper: Sec. 3.
from workflow.lib.planning.grid import repeat_names


include: "inputs/6_anomaly.smk"


METHODS = config["anomalies"]["methods"]
REPEATS = repeat_names(config["anomalies"]["repeats"])


wildcard_constraints:
    task="|".join(TASKS),
    method="|".join(METHODS),


rule measure_ellipses:
    """Fit nested ellipses to each galaxy of a shard: the features of the baseline."""
    input:
        cutouts="<results>/2_cutouts/{survey}/{shard}.parquet",
    output:
        "<results>/6_anomaly/{survey}/shards/{shard}.parquet",
    log:
        "<logs>/6_anomaly/measure_ellipses/{survey}/{shard}.log",
    benchmark:
        "<benchmarks>/6_anomaly/measure_ellipses/{survey}/{shard}.tsv"
    group:
        batch_of("measure_ellipses")
    conda:
        "../../envs/images.yaml"
    threads: 1
    resources:
        mem_mb=escalate(1500),
        runtime=estimated("measure_ellipses"),
        turn=1,
    params:
        code=code_of("measure_ellipses"),
        ellipses=config["anomalies"]["ellipses"],
    script:
        "../../scripts/6_anomaly/measure_ellipses.py"


rule gather_ellipses:
    """Join the shards' ellipses into one file, in catalogue order, and count those that failed."""
    input:
        shards=lambda wildcards: each_shard(
            "<results>/6_anomaly/{survey}/shards/{shard}.parquet", **wildcards
        ),
    output:
        ellipses="<results>/6_anomaly/{survey}/ellipse.parquet",
        counts="<results>/6_anomaly/{survey}/ellipse_counts.json",
    log:
        "<logs>/6_anomaly/gather_ellipses/{survey}.log",
    benchmark:
        "<benchmarks>/6_anomaly/gather_ellipses/{survey}.tsv"
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=escalate(1000),
        runtime=escalate(10),
    params:
        code=code_of("gather_ellipses"),
    script:
        "../../scripts/6_anomaly/gather_ellipses.py"


rule select_candidates:
    """Select a task's galaxies, and mark those that are anomalies."""
    input:
        catalogue=lambda wildcards: f"<results>/1_catalogue/{TASKS[wildcards.task].survey}.parquet",
        features=all_features_of,
    output:
        candidates="<results>/6_anomaly/{task}/candidates.parquet",
        counts="<results>/6_anomaly/{task}/candidates.json",
    log:
        "<logs>/6_anomaly/select_candidates/{task}.log",
    benchmark:
        "<benchmarks>/6_anomaly/select_candidates/{task}.tsv"
    conda:
        "../../envs/represent.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 1200),
        runtime=escalate(10),
    params:
        code=code_of("select_candidates"),
        task=lambda wildcards: TASKS[wildcards.task]._asdict(),
    script:
        "../../scripts/6_anomaly/select_candidates.py"


rule standardise_features:
    """Scale the features of a task's galaxies to mean 0 and variance 1, the network's after a PCA."""
    input:
        features=lambda wildcards: features_of(**wildcards),
        candidates="<results>/6_anomaly/{task}/candidates.parquet",
    output:
        "<results>/6_anomaly/{task}/{name}.npy",
    log:
        "<logs>/6_anomaly/standardise_features/{task}/{name}.log",
    benchmark:
        "<benchmarks>/6_anomaly/standardise_features/{task}/{name}.tsv"
    wildcard_constraints:
        name="ellipse|cnn",
    conda:
        "../../envs/represent.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500, 2500),
        runtime=escalate(60),
    params:
        code=code_of("standardise_features"),
        # The PCA is fitted to the task's galaxies, as in the authors' code.
        components=lambda wildcards: (
            config["anomalies"]["components"] if wildcards.name == "cnn" else None
        ),
        batch_size=config["pca"]["batch_size"],
    script:
        "../../scripts/6_anomaly/standardise_features.py"


# With `anomalies.one_job`, one job does all repeats of a method.
REPEATED = "{task}/{method}" if config["anomalies"]["one_job"] else "{task}/{method}/{repeat}"


rule hunt_anomalies:
    """Search for anomalies as a user would, with ratings from the volunteers' votes."""
    input:
        candidates="<results>/6_anomaly/{task}/candidates.parquet",
        vectors=lambda wildcards: (
            f"<results>/6_anomaly/{wildcards.task}/{METHODS[wildcards.method]['features']}.npy"
        ),
    output:
        (
            expand(
                "<results>/6_anomaly/{{task}}/{{method}}/{repeat}.parquet",
                repeat=REPEATS,
            )
            if config["anomalies"]["one_job"]
            else "<results>/6_anomaly/{task}/{method}/{repeat}.parquet"
        ),
    log:
        f"<logs>/6_anomaly/hunt_anomalies/{REPEATED}.log",
    benchmark:
        f"<benchmarks>/6_anomaly/hunt_anomalies/{REPEATED}.tsv"
    group:
        batch_of("hunt_anomalies")
    conda:
        "../../envs/represent.yaml"
    threads: 1
    resources:
        mem_mb=memory(1500, 600),
        runtime=estimated("hunt_anomalies"),
        turn=1,
    params:
        code=code_of("hunt_anomalies"),
        repeats=lambda wildcards: (
            list(range(len(REPEATS)))
            if config["anomalies"]["one_job"]
            else [int(wildcards.repeat)]
        ),
        search_by=lambda wildcards: METHODS[wildcards.method]["search"],
        settings=lambda wildcards: (
            config["anomalies"]["searches"][METHODS[wildcards.method]["search"]]
            | METHODS[wildcards.method].get("settings", {})
        ),
        known_first=lambda wildcards: METHODS[wildcards.method]["known_first"],
        ratings=config["anomalies"]["ratings"],
        seed=config["anomalies"]["seed"],
    script:
        "../../scripts/6_anomaly/hunt_anomalies.py"


rule score_repeats:
    """Score how well each method found a task's anomalies, over all repeats."""
    input:
        candidates="<results>/6_anomaly/{task}/candidates.parquet",
        repeats=lambda wildcards: sum(repeats_of(wildcards.task).values(), []),
    output:
        curves="<results>/6_anomaly/{task}/curves.csv",
        scores="<results>/6_anomaly/{task}/scores.csv",
        each_repeat="<results>/6_anomaly/{task}/repeats.csv",
    log:
        "<logs>/6_anomaly/score_repeats/{task}.log",
    benchmark:
        "<benchmarks>/6_anomaly/score_repeats/{task}.tsv"
    conda:
        "../../envs/represent.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 300),
        runtime=escalate(10),
    params:
        code=code_of("score_repeats"),
        methods=lambda wildcards: TASKS[wildcards.task].methods,
        known=lambda wildcards: [
            config["anomalies"]["ratings"] if METHODS[method]["known_first"] else 0
            for method in TASKS[wildcards.task].methods
        ],
        tops=config["anomalies"]["tops"],
        longest=config["anomalies"]["longest"],
        sigmas=config["anomalies"]["sigmas"],
    script:
        "../../scripts/6_anomaly/score_repeats.py"


rule project_ellipses:
    """Project a task's galaxies onto a plane by their ellipses, with umap."""
    input:
        vectors="<results>/6_anomaly/{task}/ellipse.npy",
        candidates="<results>/6_anomaly/{task}/candidates.parquet",
    output:
        "<results>/6_anomaly/{task}/umap_ellipse.parquet",
    log:
        "<logs>/6_anomaly/project_ellipses/{task}.log",
    benchmark:
        "<benchmarks>/6_anomaly/project_ellipses/{task}.tsv"
    conda:
        "../../envs/represent.yaml"
    # umap with a seed uses one thread.
    threads: 1
    resources:
        mem_mb=escalate(8000),
        runtime=estimated("project_ellipses"),
    params:
        code=code_of("project_ellipses"),
        n_neighbors=config["umap"]["n_neighbors"],
        min_dist=config["umap"]["min_dist"],
        seed=config["umap"]["seed"],
    script:
        "../../scripts/6_anomaly/project_ellipses.py"


rule measure_grouping:
    """Measure whether anomalies lie together in the planes of Figure 4."""
    input:
        positions=lambda wildcards: [
            positions_of(wildcards.task, method)
            for method in config["figures"]["anomalies"]["figure_4"]["methods"]
        ],
        candidates="<results>/6_anomaly/{task}/candidates.parquet",
    output:
        "<results>/6_anomaly/{task}/grouping.csv",
    log:
        "<logs>/6_anomaly/measure_grouping/{task}.log",
    benchmark:
        "<benchmarks>/6_anomaly/measure_grouping/{task}.tsv"
    conda:
        "../../envs/represent.yaml"
    threads: 1
    resources:
        mem_mb=memory(1000, 500),
        runtime=escalate(10),
    params:
        code=code_of("measure_grouping"),
        methods=config["figures"]["anomalies"]["figure_4"]["methods"],
        first=config["anomalies"]["grouped"],
    script:
        "../../scripts/6_anomaly/measure_grouping.py"


rule anomalies:
    """Target: how well each method found the anomalies of each task, and Table 1."""
    input:
        expand("<results>/6_anomaly/{task}/scores.csv", task=SHOWN_TASKS),
        expand("<results>/8_figures/table_1.{ending}", ending=["csv", "tex", "html"]),


rule experiments:
    """Target: how well the variants find anomalies that the paper mentions and does not show."""
    input:
        expand("<results>/6_anomaly/{task}/scores.csv", task=EXPERIMENTS),


rule samples:
    """Target: Table 1 for each sample of `anomalies.compared`, side by side."""
    input:
        expand("<results>/8_figures/samples.{ending}", ending=["csv", "tex", "html"]),

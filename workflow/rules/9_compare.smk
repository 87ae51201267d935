# Encoders and representations, compared on the paper's three tasks: the target `compare`.
# Reads: <results>/1_catalogue/*, <results>/3_pretrain/*, <results>/4_represent/*,
# <results>/5_similarity/*, <results>/7_finetune/*. Writes: <results>/9_compare/*.
# Rules of earlier stages are repeated for each representation, on the galaxies that all have.
from workflow.lib.planning.grid import FROZEN, FinetuningRun, compared_encoders


include: "inputs/9_compare.smk"


COMPARED = compared_encoders(config)
COMPARED_BY = METHODS[config["compare"]["method"]]
COMPARED_PROBES = [survey for survey in IN_FIGURES if labels_of(survey)]
COMPARED_TAGS = [survey for survey in IN_FIGURES if survey in TAGGED]
COMPARED_TASKS = [name for name, task in SHOWN_TASKS.items() if task.survey in IN_FIGURES]
COMPARED_LABELS = [
    name for name, label in config["finetune"]["labels"].items() if label["survey"] in IN_FIGURES
]


use rule probe_representations as compare_probes with:
    input:
        representations=expand(
            "<results>/4_represent/{{survey}}/{pretraining}/pca{components}.parquet",
            pretraining=COMPARED,
            components=config["probe"]["components"],
        ),
        descriptions=expand("<results>/3_pretrain/{pretraining}/encoder.json", pretraining=COMPARED),
        catalogue="<results>/1_catalogue/{survey}.parquet",
    output:
        "<results>/9_compare/{survey}/probes.csv",
    log:
        "<logs>/9_compare/compare_probes/{survey}.log",
    benchmark:
        "<benchmarks>/9_compare/compare_probes/{survey}.tsv"
    params:
        pretrainings=COMPARED,


rule compare_retrieval:
    """Measure how many neighbours, by each representation, have the galaxy's tag or answer."""
    input:
        representations=expand(
            "<results>/4_represent/{{survey}}/{pretraining}/pca{components}.parquet",
            pretraining=COMPARED,
            components=config["similarity"]["components"],
        ),
        catalogue="<results>/1_catalogue/{survey}.parquet",
        tags=tags_of,
    output:
        "<results>/9_compare/{survey}/retrieval.csv",
    log:
        "<logs>/9_compare/compare_retrieval/{survey}.log",
    benchmark:
        "<benchmarks>/9_compare/compare_retrieval/{survey}.tsv"
    conda:
        "../../envs/represent.yaml"
    threads: config["representation"]["threads"]
    resources:
        mem_mb=memory(4000, 2000),
        runtime=escalate(240),
    params:
        code=code_of("compare_retrieval"),
        encoders=COMPARED,
        metric=config["similarity"]["metric"],
        first=config["compare"]["first"],
        questions=config["pretraining"]["questions"],
        answers=lambda wildcards: vote_columns(wildcards.survey),
        most_common=config["similarity"]["most_common"],
        above=config["similarity"]["above"],
        retrieval=config["similarity"]["retrieval"],
    script:
        "../../scripts/9_compare/compare_retrieval.py"


use rule select_candidates as compare_candidates with:
    input:
        catalogue=lambda wildcards: f"<results>/1_catalogue/{TASKS[wildcards.task].survey}.parquet",
        features=lambda wildcards: representations_of(TASKS[wildcards.task].survey),
    output:
        candidates="<results>/9_compare/{task}/candidates.parquet",
        counts="<results>/9_compare/{task}/candidates.json",
    log:
        "<logs>/9_compare/compare_candidates/{task}.log",
    benchmark:
        "<benchmarks>/9_compare/compare_candidates/{task}.tsv"


use rule standardise_features as compare_features with:
    input:
        features=lambda wildcards: representation_of(TASKS[wildcards.task].survey, wildcards),
        candidates="<results>/9_compare/{task}/candidates.parquet",
    output:
        "<results>/9_compare/{task}/{pretraining}.npy",
    log:
        "<logs>/9_compare/compare_features/{task}/{pretraining}.log",
    benchmark:
        "<benchmarks>/9_compare/compare_features/{task}/{pretraining}.tsv"
    wildcard_constraints:
        pretraining=one_of(COMPARED),
    params:
        components=config["anomalies"]["components"],


use rule hunt_anomalies as compare_hunts with:
    input:
        candidates="<results>/9_compare/{task}/candidates.parquet",
        vectors="<results>/9_compare/{task}/{pretraining}.npy",
    output:
        expand(
            "<results>/9_compare/{{task}}/{{pretraining}}/{repeat}.parquet",
            repeat=REPEATS,
        ),
    log:
        "<logs>/9_compare/compare_hunts/{task}/{pretraining}.log",
    benchmark:
        "<benchmarks>/9_compare/compare_hunts/{task}/{pretraining}.tsv"
    params:
        repeats=list(range(len(REPEATS))),
        search_by=COMPARED_BY["search"],
        settings=config["anomalies"]["searches"][COMPARED_BY["search"]],
        known_first=COMPARED_BY["known_first"],


use rule score_repeats as compare_scores with:
    input:
        candidates="<results>/9_compare/{task}/candidates.parquet",
        repeats=expand(
            "<results>/9_compare/{{task}}/{pretraining}/{repeat}.parquet",
            pretraining=COMPARED,
            repeat=REPEATS,
        ),
    output:
        curves="<results>/9_compare/{task}/curves.csv",
        scores="<results>/9_compare/{task}/scores.csv",
        each_repeat="<results>/9_compare/{task}/repeats.csv",
    log:
        "<logs>/9_compare/compare_scores/{task}.log",
    benchmark:
        "<benchmarks>/9_compare/compare_scores/{task}.tsv"
    params:
        methods=COMPARED,
        known=[config["anomalies"]["ratings"] if COMPARED_BY["known_first"] else 0] * len(COMPARED),
        tops=[config["compare"]["top"]],
        # As the errors of the other tasks.
        sigmas=1,


rule compare_labels:
    """Keep the labelled galaxies of which there is every representation."""
    input:
        labels="<results>/7_finetune/{label}/labels.csv",
        representations=lambda wildcards: representations_of(label_of(wildcards)["survey"]),
    output:
        "<results>/9_compare/{label}/labels.csv",
    log:
        "<logs>/9_compare/compare_labels/{label}.log",
    benchmark:
        "<benchmarks>/9_compare/compare_labels/{label}.tsv"
    conda:
        "../../envs/images.yaml"
    threads: 1
    resources:
        mem_mb=escalate(4000),
        runtime=escalate(30),
    params:
        code=code_of("compare_labels"),
    script:
        "../../scripts/9_compare/compare_labels.py"


use rule finetune_head as compare_heads with:
    input:
        representation=lambda wildcards: representation_of(label_of(wildcards)["survey"], wildcards),
        labels="<results>/9_compare/{label}/labels.csv",
        description="<results>/3_pretrain/{pretraining}/encoder.json",
    output:
        [f"<results>/9_compare/{{label}}/{{pretraining}}/{run}.json" for run in compared_runs()],
    log:
        "<logs>/9_compare/compare_heads/{label}/{pretraining}.log",
    benchmark:
        "<benchmarks>/9_compare/compare_heads/{label}/{pretraining}.tsv"
    wildcard_constraints:
        pretraining=one_of(COMPARED),
    params:
        runs=lambda wildcards: [*compared_runs(wildcards.label).values()],
        settings=FINETUNING_SETTINGS | {"split": config["finetune"]["split"] | {"copies": 1}},


use rule tabulate_finetuning as compare_models with:
    input:
        runs=[
            f"<results>/9_compare/{{label}}/{pretraining}/{run}.json"
            for pretraining in COMPARED
            for run in compared_runs()
        ],
    output:
        models="<results>/9_compare/{label}/models.csv",
        costs="<results>/9_compare/{label}/costs.csv",
    log:
        "<logs>/9_compare/compare_models/{label}.log",
    benchmark:
        "<benchmarks>/9_compare/compare_models/{label}.tsv"


rule draw_comparison:
    """Gather the scores of all encoders in a table, and draw them."""
    input:
        probes=expand("<results>/9_compare/{survey}/probes.csv", survey=COMPARED_PROBES),
        retrieval=expand("<results>/9_compare/{survey}/retrieval.csv", survey=COMPARED_TAGS),
        scores=expand("<results>/9_compare/{task}/scores.csv", task=COMPARED_TASKS),
        models=expand("<results>/9_compare/{label}/models.csv", label=COMPARED_LABELS),
        descriptions=expand("<results>/3_pretrain/{pretraining}/encoder.json", pretraining=COMPARED),
    output:
        pdf="<results>/9_compare/compare.pdf",
        png=report(
            "<results>/9_compare/compare.png",
            caption="../report/compare.rst",
            category="6 Comparison",
            labels={"shown": "Encoders on three tasks"},
        ),
        csv="<results>/9_compare/compare.csv",
    log:
        "<logs>/9_compare/draw_comparison.log",
    benchmark:
        "<benchmarks>/9_compare/draw_comparison.tsv"
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=escalate(2000),
        runtime=escalate(10),
    params:
        code=code_of("draw_comparison"),
        encoders=COMPARED,
        probes=COMPARED_PROBES,
        retrieval=COMPARED_TAGS,
        scores={name: TASKS[name].survey for name in COMPARED_TASKS},
        models={name: config["finetune"]["labels"][name]["survey"] for name in COMPARED_LABELS},
        canvas=canvas_with(survey_notes(*IN_FIGURES)),
    script:
        "../../scripts/9_compare/draw_comparison.py"


rule compare:
    """Target: how well encoders and representations do on the paper's three tasks."""
    input:
        (
            expand("<results>/9_compare/compare.{ending}", ending=["pdf", "png", "csv"])
            if COMPARED_PROBES or COMPARED_TAGS or COMPARED_TASKS or COMPARED_LABELS
            else f"(config) tags, or probe.labels, tasks or finetune.labels of {' '.join(IN_FIGURES)}"
        ),

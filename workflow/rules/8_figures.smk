# Figures as PDF and PNG, with source data and captions; Table 1; and tables for the report.
# Reads: <results>/2_cutouts/*, <results>/4_represent/*, <results>/5_similarity/*,
# <results>/6_anomaly/*, <results>/7_finetune/*.
# Writes: <results>/8_figures/*. Paper: Figs. 1 to 9, A1, A2, Table 1.
from workflow.lib.planning.grid import FIGURE_SAMPLES, FINETUNING_FIGURES, PAPER_RUNS


include: "inputs/8_figures.smk"


SIMULATED = [name for name, survey in SURVEYS.items() if "simulation" in survey]
FIGURE_4, FIGURE_6 = (config["figures"]["anomalies"][name] for name in ("figure_4", "figure_6"))
ANOMALY_FIGURES = {"figure_3", "figure_4", "figure_5", "figure_6"} & set(config["figures"]["show"])
# Titles of the figures in the report.
TITLES = {
    "figure_1": "Figure 1: all galaxies",
    "figure_2": "Figure 2: similar galaxies",
    "figure_3": "Figure 3: odd galaxies found",
    "figure_4": "Figure 4: where methods looked for them",
    "figure_5": "Figure 5: mergers, rings and irregular galaxies found",
    "figure_6": "Figure 6: some of those found",
    "figure_7": "Figure 7: rings from few labels",
    "figure_8": "Figure 8: from one question, or all",
    "figure_9": "Figure 9: by depth",
    "figure_A1": "Figure A1: featured galaxies",
    "figure_A2": "Figure A2: spirals",
    "figure_pca": "Variance kept by the components",
    "table_1": "Table 1: anomalies found",
    "samples": "Table 1 for each sample",
}
# The report's tables: for each, its headings and the file shown under each heading.
TABLES = {
    "selection": {
        survey: f"<results>/1_catalogue/{survey}/selection_counts.json" for survey in IN_FIGURES
    },
    "evaluation": {"Votes of held-out galaxies": "<results>/3_pretrain/evaluation.csv"},
    "probes": {
        survey: f"<results>/4_represent/{survey}/probe.csv" for survey in config["probe"]["surveys"]
    },
    "retrieval": {SHOWN: f"<results>/5_similarity/{SHOWN}/{PRETRAINING}/retrieval.csv"},
    "scores": {task: f"<results>/6_anomaly/{task}/scores.csv" for task in SHOWN_TASKS},
    "accuracy": {
        TITLES[figure]: f"<results>/8_figures/{figure}.csv"
        for figure in FINETUNING_FIGURES
        if figure in config["figures"]["show"]
    },
    "costs": {FINETUNING_TASK: f"<results>/7_finetune/{FINETUNING_TASK}/costs.csv"},
}
TABLE_TITLES = {
    "selection": "Galaxies left by each cut",
    "evaluation": "How well votes are predicted",
    "probes": "How well labels are recognised",
    "retrieval": "How similar neighbours are",
    "scores": "Scores of every search for anomalies",
    "accuracy": "Accuracy of fine-tuned models",
    "costs": "What fine-tuning took",
}
FINETUNING_SHOWN = {*FINETUNING_FIGURES} & {*config["figures"]["show"]}
# The tasks of Table 1, and of the same table for each sample.
SCORED = {"table_1": [*SHOWN_TASKS], "samples": [task for task in TASKS if task not in EXPERIMENTS]}
TABLES_SHOWN = [
    "selection",
    *(["evaluation"] if EVALUATED else []),
    *(["probes"] if TABLES["probes"] else []),
    *(["retrieval"] if "figure_2" in config["figures"]["show"] else []),
    *(["scores"] if ANOMALY_FIGURES else []),
    *(["accuracy", "costs"] if FINETUNING_SHOWN else []),
]


wildcard_constraints:
    table="|".join(TABLES),


rule draw_representation:
    """Draw thumbnails at their umap positions."""
    input:
        positions=lambda wildcards: (
            f"<results>/4_represent/{SHOWN}/{PRETRAINING}/"
            f"umap_{FIGURE_SAMPLES[wildcards.figure]}.parquet"
        ),
        cutouts=each_shard("<results>/2_cutouts/{survey}/{shard}.parquet", SHOWN),
        description=f"<results>/3_pretrain/{PRETRAINING}/encoder.json",
    output:
        pdf="<results>/8_figures/{figure}.pdf",
        png=report(
            "<results>/8_figures/{figure}.png",
            caption="../report/representation.rst",
            category="1 Representation",
            labels=lambda wildcards: titled(wildcards.figure),
        ),
        csv="<results>/8_figures/{figure}.csv",
    log:
        "<logs>/8_figures/draw_representation/{figure}.log",
    benchmark:
        "<benchmarks>/8_figures/draw_representation/{figure}.tsv"
    wildcard_constraints:
        figure="|".join(FIGURE_SAMPLES),
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=escalate(4000),
        runtime=escalate(30),
    params:
        code=code_of("draw_representation"),
        grid=lambda wildcards: config["figures"]["representation"]["grid"][wildcards.figure],
        crop=config["figures"]["representation"]["crop"],
        canvas=canvas_with(survey_notes(SHOWN)),
    script:
        "../../scripts/8_figures/draw_representation.py"


rule draw_neighbours:
    """Draw a row of similar galaxies for each tag."""
    input:
        neighbours=f"<results>/5_similarity/{SHOWN}/{PRETRAINING}/neighbours.parquet",
        cutouts=each_shard("<results>/2_cutouts/{survey}/{shard}.parquet", SHOWN),
        description=f"<results>/3_pretrain/{PRETRAINING}/encoder.json",
    output:
        pdf="<results>/8_figures/figure_2.pdf",
        png=report(
            "<results>/8_figures/figure_2.png",
            caption="../report/figure_2.rst",
            category="2 Similarity",
            labels=titled("figure_2"),
        ),
        csv="<results>/8_figures/figure_2.csv",
    log:
        "<logs>/8_figures/draw_neighbours.log",
    benchmark:
        "<benchmarks>/8_figures/draw_neighbours.tsv"
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=escalate(4000),
        runtime=escalate(30),
    params:
        code=code_of("draw_neighbours"),
        per_row=config["figures"]["neighbours"]["per_row"],
        blocks=config["figures"]["neighbours"]["blocks"],
        crop=config["figures"]["neighbours"]["crop"],
        canvas=canvas_with(survey_notes(SHOWN)),
    script:
        "../../scripts/8_figures/draw_neighbours.py"


rule draw_scores:
    """Draw how many of the highest ranked galaxies are anomalies, for each method."""
    input:
        curves=lambda wildcards: expand(
            "<results>/6_anomaly/{task}/curves.csv",
            task=config["figures"]["anomalies"][wildcards.figure],
        ),
        counts=lambda wildcards: expand(
            "<results>/6_anomaly/{task}/candidates.json",
            task=config["figures"]["anomalies"][wildcards.figure],
        ),
        description=f"<results>/3_pretrain/{PRETRAINING}/encoder.json",
    output:
        pdf="<results>/8_figures/{figure}.pdf",
        png=report(
            "<results>/8_figures/{figure}.png",
            caption="../report/scores.rst",
            category="3 Anomalies",
            labels=lambda wildcards: titled(wildcards.figure),
        ),
        csv="<results>/8_figures/{figure}.csv",
    log:
        "<logs>/8_figures/draw_scores/{figure}.log",
    benchmark:
        "<benchmarks>/8_figures/draw_scores/{figure}.tsv"
    wildcard_constraints:
        figure="figure_3|figure_5",
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=escalate(2000),
        runtime=escalate(10),
    params:
        code=code_of("draw_scores"),
        tasks=lambda wildcards: config["figures"]["anomalies"][wildcards.figure],
        canvas=lambda wildcards: canvas_with(
            task_notes(config["figures"]["anomalies"][wildcards.figure])
        ),
    script:
        "../../scripts/8_figures/draw_scores.py"


rule draw_interest:
    """Draw where two methods looked for anomalies, and where the anomalies are."""
    input:
        positions=lambda wildcards: [
            positions_of(FIGURE_4["task"], method) for method in FIGURE_4["methods"]
        ],
        repeats=expand(
            "<results>/6_anomaly/{task}/{method}/{repeat}.parquet",
            task=FIGURE_4["task"],
            method=FIGURE_4["methods"],
            repeat=REPEATS[0],
        ),
        candidates=f"<results>/6_anomaly/{FIGURE_4['task']}/candidates.parquet",
        description=f"<results>/3_pretrain/{PRETRAINING}/encoder.json",
    output:
        pdf="<results>/8_figures/figure_4.pdf",
        png=report(
            "<results>/8_figures/figure_4.png",
            caption="../report/figure_4.rst",
            category="3 Anomalies",
            labels=titled("figure_4"),
        ),
        csv="<results>/8_figures/figure_4.csv",
    log:
        "<logs>/8_figures/draw_interest.log",
    benchmark:
        "<benchmarks>/8_figures/draw_interest.tsv"
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=escalate(4000),
        runtime=escalate(30),
    params:
        code=code_of("draw_interest"),
        methods=FIGURE_4["methods"],
        canvas=canvas_with(task_notes([FIGURE_4["task"]])),
    script:
        "../../scripts/8_figures/draw_interest.py"


rule draw_finds:
    """Draw some of the galaxies that a search ranks highest."""
    input:
        repeats=expand(
            "<results>/6_anomaly/{task}/{method}/{repeat}.parquet",
            task=FIGURE_6["tasks"],
            method=FIGURE_6["method"],
            repeat=REPEATS[0],
        ),
        candidates=expand("<results>/6_anomaly/{task}/candidates.parquet", task=FIGURE_6["tasks"]),
        cutouts=lambda wildcards: [
            path
            for survey in sorted({TASKS[task].survey for task in FIGURE_6["tasks"]})
            for path in each_shard("<results>/2_cutouts/{survey}/{shard}.parquet", survey)
        ],
        description=f"<results>/3_pretrain/{PRETRAINING}/encoder.json",
    output:
        pdf="<results>/8_figures/figure_6.pdf",
        png=report(
            "<results>/8_figures/figure_6.png",
            caption="../report/figure_6.rst",
            category="3 Anomalies",
            labels=titled("figure_6"),
        ),
        csv="<results>/8_figures/figure_6.csv",
    log:
        "<logs>/8_figures/draw_finds.log",
    benchmark:
        "<benchmarks>/8_figures/draw_finds.tsv"
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=escalate(2000),
        runtime=escalate(30),
    params:
        code=code_of("draw_finds"),
        tasks=FIGURE_6["tasks"],
        among=FIGURE_6["among"],
        columns=FIGURE_6["columns"],
        rows=FIGURE_6["rows"],
        crop=FIGURE_6["crop"],
        seed=FIGURE_6["seed"],
        canvas=canvas_with(task_notes(FIGURE_6["tasks"])),
    script:
        "../../scripts/8_figures/draw_finds.py"


rule tabulate_scores:
    """Write Table 1: how well each method found the anomalies of each task."""
    input:
        scores=lambda wildcards: expand(
            "<results>/6_anomaly/{task}/scores.csv", task=SCORED[wildcards.scored]
        ),
        description=f"<results>/3_pretrain/{PRETRAINING}/encoder.json",
    output:
        csv="<results>/8_figures/{scored}.csv",
        tex="<results>/8_figures/{scored}.tex",
        html=report(
            "<results>/8_figures/{scored}.html",
            caption="../report/table_1.rst",
            category="3 Anomalies",
            labels=lambda wildcards: titled(wildcards.scored),
        ),
    log:
        "<logs>/8_figures/tabulate_scores/{scored}.log",
    benchmark:
        "<benchmarks>/8_figures/tabulate_scores/{scored}.tsv"
    wildcard_constraints:
        scored="|".join(SCORED),
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=escalate(1000),
        runtime=escalate(10),
    params:
        code=code_of("tabulate_scores"),
        tasks=lambda wildcards: SCORED[wildcards.scored],
        surveys=lambda wildcards: [TASKS[task].survey for task in SCORED[wildcards.scored]],
        tops=config["anomalies"]["tops"],
        notes=lambda wildcards: task_notes(SCORED[wildcards.scored]),
        title=lambda wildcards: TITLES[wildcards.scored],
        # The samples differ in this.
        with_counts=lambda wildcards: wildcards.scored == "samples",
    script:
        "../../scripts/8_figures/tabulate_scores.py"


rule draw_pca_variance:
    """Draw the share of the variance that the first principal components keep."""
    input:
        variances=expand(
            "<results>/4_represent/{survey}/{pretraining}/pca{components}.variance.csv",
            survey=config["figures"]["pca"]["surveys"],
            pretraining=PRETRAINING,
            components=config["pca"]["components"],
        ),
        description=f"<results>/3_pretrain/{PRETRAINING}/encoder.json",
    output:
        pdf="<results>/8_figures/figure_pca.pdf",
        png=report(
            "<results>/8_figures/figure_pca.png",
            caption="../report/figure_pca.rst",
            category="1 Representation",
            labels=titled("figure_pca"),
        ),
        csv="<results>/8_figures/figure_pca.csv",
    log:
        "<logs>/8_figures/draw_pca_variance.log",
    benchmark:
        "<benchmarks>/8_figures/draw_pca_variance.tsv"
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=escalate(2000),
        runtime=escalate(10),
    params:
        code=code_of("draw_pca_variance"),
        surveys=config["figures"]["pca"]["surveys"],
        canvas=canvas_with(survey_notes(*config["figures"]["pca"]["surveys"])),
    script:
        "../../scripts/8_figures/draw_pca_variance.py"


rule draw_finetuning:
    """Draw test accuracy by the number of labelled galaxies."""
    input:
        models=f"<results>/7_finetune/{FINETUNING_TASK}/models.csv",
    output:
        pdf="<results>/8_figures/{figure}.pdf",
        png=report(
            "<results>/8_figures/{figure}.png",
            caption="../report/finetuning.rst",
            category="4 Fine-tuning",
            labels=lambda wildcards: titled(wildcards.figure),
        ),
        csv="<results>/8_figures/{figure}.csv",
    log:
        "<logs>/8_figures/draw_finetuning/{figure}.log",
    benchmark:
        "<benchmarks>/8_figures/draw_finetuning/{figure}.tsv"
    wildcard_constraints:
        figure="|".join(FINETUNING_FIGURES),
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=escalate(2000),
        runtime=escalate(10),
    params:
        code=code_of("draw_finetuning"),
        canvas=canvas_with(finetuning_notes()),
    script:
        "../../scripts/8_figures/draw_finetuning.py"


rule show_table:
    """Show tables of one kind as a web page, for the report."""
    input:
        tables=lambda wildcards: list(TABLES[wildcards.table].values()),
    output:
        report(
            "<results>/8_figures/tables/{table}.html",
            caption="../report/table.rst",
            category="5 Numbers",
            labels=lambda wildcards: {"shown": TABLE_TITLES[wildcards.table]},
        ),
    log:
        "<logs>/8_figures/show_table/{table}.log",
    benchmark:
        "<benchmarks>/8_figures/show_table/{table}.tsv"
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=escalate(1000),
        runtime=escalate(10),
    params:
        code=code_of("show_table"),
        headings=lambda wildcards: list(TABLES[wildcards.table]),
        title=lambda wildcards: TABLE_TITLES[wildcards.table],
    script:
        "../../scripts/8_figures/show_table.py"


include: "8_figures_targets.smk"

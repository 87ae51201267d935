# Every figure as PDF and PNG, each with its source data and its caption.
# Reads: <results>/2_cutouts/*, <results>/4_represent/*, <results>/5_similarity/*,
# <results>/7_finetune/*. Writes: <results>/8_figures/*. Paper: Figs. 1, 2, 7, 8, 9, A1, A2.


rule draw_representation:
    """Draw thumbnails at their umap positions."""
    input:
        positions=lambda wildcards: (
            f"<results>/4_represent/{SHOWN}/{PRETRAINING}/"
            f"umap_{FIGURE_SAMPLES[wildcards.figure]}.parquet"
        ),
        cutouts=each_shard("<results>/2_cutouts/{survey}/{shard}.parquet", SHOWN),
        description=f"<results>/3_pretrain/{PRETRAINING}/encoder.json",
        code=lib("figures"),
    output:
        pdf="<results>/8_figures/{figure}.pdf",
        png=report(
            "<results>/8_figures/{figure}.png",
            caption="../report/representation.rst",
            category="Figures",
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
        grid=lambda wildcards: config["figures"]["representation"]["grid"][wildcards.figure],
        crop=config["figures"]["representation"]["crop"],
        width=config["figures"]["width"],
        dpi=config["figures"]["dpi"],
        note=survey_note(SHOWN),
    script:
        "../../scripts/draw_representation.py"


rule draw_neighbours:
    """Draw a row of similar galaxies for each tag."""
    input:
        neighbours=f"<results>/5_similarity/{SHOWN}/{PRETRAINING}/neighbours.parquet",
        cutouts=each_shard("<results>/2_cutouts/{survey}/{shard}.parquet", SHOWN),
        description=f"<results>/3_pretrain/{PRETRAINING}/encoder.json",
        code=lib("figures"),
    output:
        pdf="<results>/8_figures/figure_2.pdf",
        png=report(
            "<results>/8_figures/figure_2.png",
            caption="../report/figure_2.rst",
            category="Figures",
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
        mem_mb=escalate(2000),
        runtime=escalate(30),
    params:
        per_row=config["figures"]["neighbours"]["per_row"],
        crop=config["figures"]["neighbours"]["crop"],
        width=config["figures"]["width"],
        dpi=config["figures"]["dpi"],
        note=survey_note(SHOWN),
    script:
        "../../scripts/draw_neighbours.py"


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
        code=lib("figures"),
    output:
        pdf="<results>/8_figures/figure_pca.pdf",
        png=report(
            "<results>/8_figures/figure_pca.png",
            caption="../report/figure_pca.rst",
            category="Figures",
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
        surveys=config["figures"]["pca"]["surveys"],
        width=config["figures"]["width"],
        dpi=config["figures"]["dpi"],
        note=survey_note(*config["figures"]["pca"]["surveys"]),
    script:
        "../../scripts/draw_pca_variance.py"


rule draw_finetuning:
    """Draw test accuracy by the number of labelled galaxies."""
    input:
        models=f"<results>/7_finetune/{FINETUNING_TASK}/models.csv",
        code=lib("finetuned_figures"),
    output:
        pdf="<results>/8_figures/{figure}.pdf",
        png=report(
            "<results>/8_figures/{figure}.png",
            caption="../report/finetuning.rst",
            category="Figures",
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
        width=config["figures"]["width"],
        dpi=config["figures"]["dpi"],
        notes=FINETUNING_NOTES,
    script:
        "../../scripts/draw_finetuning.py"


rule figure_1:
    """Target: Figure 1, all galaxies."""
    input:
        files_of("figure_1"),


rule figure_2:
    """Target: Figure 2, similar galaxies."""
    input:
        files_of("figure_2"),


rule figure_7:
    """Target: Figure 7, fine-tuning from all tasks, one task, ImageNet and scratch."""
    input:
        files_of("figure_7"),


rule figure_8:
    """Target: Figure 8, fine-tuning from all tasks and from single ones."""
    input:
        files_of("figure_8"),


rule figure_9:
    """Target: Figure 9, how deep the encoder is fine-tuned."""
    input:
        files_of("figure_9"),


rule figure_A1:
    """Target: Figure A1, featured and face-on galaxies."""
    input:
        files_of("figure_A1"),


rule figure_A2:
    """Target: Figure A2, spiral galaxies."""
    input:
        files_of("figure_A2"),


rule figure_pca:
    """Target: the variance that the principal components keep."""
    input:
        files_of("figure_pca"),


rule figures:
    """Target: every figure that config shows."""
    input:
        files_of(config["figures"]["show"]),

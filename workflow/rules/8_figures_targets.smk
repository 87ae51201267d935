# Targets of 8_figures.smk: one for each figure, for Table 1, and for all that config shows.


rule figure_1:
    """Target: Figure 1, all galaxies."""
    input:
        files_of("figure_1"),


rule figure_2:
    """Target: Figure 2, similar galaxies."""
    input:
        files_of("figure_2"),


rule figure_3:
    """Target: Figure 3, how well each method found odd galaxies."""
    input:
        files_of("figure_3"),


rule figure_4:
    """Target: Figure 4, where two methods looked for odd galaxies."""
    input:
        files_of("figure_4"),


rule figure_5:
    """Target: Figure 5, how well each method found mergers, rings and irregular galaxies."""
    input:
        files_of("figure_5"),


rule figure_6:
    """Target: Figure 6, some of the galaxies found."""
    input:
        files_of("figure_6"),


rule table_1:
    """Target: Table 1, how well each method found the anomalies of each task."""
    input:
        expand("<results>/8_figures/table_1.{ending}", ending=["csv", "tex", "html"]),


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
    """Target: every figure listed in `figures.show`."""
    input:
        files_of(config["figures"]["show"]),


rule tables:
    """Target: the tables that the report shows beside the figures."""
    input:
        expand("<results>/8_figures/tables/{table}.html", table=TABLES_SHOWN),

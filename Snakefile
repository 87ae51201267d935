# Walmsley et al. 2022, from the raw catalogue to every figure. `ls workflow/rules` shows the flow.
from contextlib import suppress

from snakemake.utils import min_version

from workflow.lib.common.owner import RUN, own

min_version("9.27")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


# Used only with `--software-deployment-method apptainer`.
container: "envs/morphoflow.sif"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/0_sources.smk"
include: "workflow/rules/1_catalogue.smk"
include: "workflow/rules/2_cutouts.smk"
include: "workflow/rules/3_pretrain.smk"
include: "workflow/rules/4_represent.smk"
include: "workflow/rules/5_similarity.smk"
include: "workflow/rules/6_anomaly.smk"
include: "workflow/rules/7_finetune.smk"
include: "workflow/rules/8_figures.smk"
include: "workflow/rules/9_claims.smk"
include: "workflow/rules/9_compare.smk"
include: "workflow/rules/cost.smk"
include: "workflow/rules/preflight.smk"
include: "workflow/rules/corrections.smk"


# Snakemake keeps only the last `onstart`, so there is one.
onstart:
    correct_slurm()
    with suppress(UserError):  # with --nolock there may be another one
        own(RUN)  # while it lives, `make resume` does not unlock the folder
    check_before_start()


onsuccess:
    if any(job.rule.name == "compare_claims" for job in workflow.dag.jobs):
        logger.info(Path(config["pathvars"]["results"], "9_claims/summary.txt").read_text())


rule all:
    default_target: True
    input:
        # Not only the figures: a deleted shard is made again even if its figures exist.
        rules.catalogue.input,
        rules.cutouts.input,
        rules.pretraining.input,
        rules.representation.input,
        rules.probes.input,
        rules.similarity.input if "figure_2" in config["figures"]["show"] else [],
        rules.anomalies.input if ANOMALY_FIGURES else [],
        rules.finetuning.input if FINETUNING_SHOWN else [],
        rules.figures.input,
        rules.tables.input,
        # Of other surveys the paper claims nothing.
        rules.claims.input if SHOWN in {claim.survey for claim in CLAIMS} else [],

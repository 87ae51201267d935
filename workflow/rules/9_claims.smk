# Every number, ordering and statement of the paper beside the results of this run.
# Reads: config/claims.tsv, and the files of stages 1 to 8 that it names.
# Writes: <results>/9_claims/*. Paper: all sections.
from workflow.lib.planning.claims import read_claims, settings_read
from workflow.lib.planning.code_hash import SCRIPTS


include: "inputs/9_claims.smk"


# The figures and tables that claims can link to.
SHOWN_FIGURES = {
    **{figure: f"8_figures/{figure}.png" for figure in config["figures"]["show"]},
    **({"table_1": "8_figures/table_1.html"} if ANOMALY_FIGURES else {}),
}
try:
    CLAIMS = read_claims(config["claims"]["table"], PRETRAINING)
except UserError as error:
    raise WorkflowError(str(error)) from None
READ_BY_CLAIMS = sorted({claim.file for claim in CLAIMS if is_made(claim)})


rule compare_claims:
    """Write each claim of the paper beside ours, with a verdict."""
    input:
        claims=config["claims"]["table"],
        files=expand("<results>/{file}", file=READ_BY_CLAIMS),
        description=f"<results>/3_pretrain/{PRETRAINING}/encoder.json",
    output:
        table="<results>/9_claims/claims.csv",
        page=report(
            "<results>/9_claims/claims.html",
            caption="../report/claims.rst",
            category="6 Claims",
            labels={"shown": "The paper's claims beside ours"},
        ),
        summary="<results>/9_claims/summary.txt",
    log:
        "<logs>/9_claims/compare_claims.log",
    benchmark:
        "<benchmarks>/9_claims/compare_claims.tsv"
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=escalate(2000),
        runtime=escalate(10),
    params:
        code=code_of("compare_claims"),
        results=lambda wildcards, output: str(Path(output.table).parents[1]),
        made=READ_BY_CLAIMS,
        settings=settings_read(
            CLAIMS,
            config | {"tasks": {name: task._asdict() for name, task in SHOWN_TASKS.items()}},
        ),
        shown=PRETRAINING,
        simulated=SIMULATED,
        stand_ins=STAND_INS,
        survey_notes=survey_notes(*SURVEYS),
        figures=SHOWN_FIGURES,
        draws=config["claims"]["draws"],
        seed=config["claims"]["seed"],
        sigmas=config["anomalies"]["sigmas"],
    script:
        "../../scripts/9_claims/compare_claims.py"


rule record_provenance:
    """Write down what made the results: configuration, code, packages, machine and input files."""
    input:
        "<results>/9_claims/claims.csv",  # so that it comes last
    output:
        "<results>/9_claims/provenance.json",
    log:
        "<logs>/9_claims/record_provenance.log",
    benchmark:
        "<benchmarks>/9_claims/record_provenance.tsv"
    conda:
        "../../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=escalate(1000),
        runtime=escalate(60),
    params:
        code=code_of("record_provenance"),
        config=config,
        # A change of any rule's code is written down.
        rules={path.stem: code_of(path.stem) for path in sorted(SCRIPTS.glob("[0-9]_*/*.py"))},
    script:
        "../../scripts/9_claims/record_provenance.py"


rule claims:
    """Target: every claim of the paper beside ours, and the figures that the page links to."""
    input:
        rules.figures.input,
        expand(
            "<results>/9_claims/{file}",
            file=["claims.csv", "claims.html", "summary.txt", "provenance.json"],
        ),


rule write_crate:
    """Pack the run as a Workflow Run RO-Crate: code, configuration, figures, tables and claims."""
    input:
        provenance="<results>/9_claims/provenance.json",
        outputs=[
            rules.figures.input,
            rules.tables.input,
            (
                expand("<results>/8_figures/table_1.{ending}", ending=["csv", "tex", "html"])
                if ANOMALY_FIGURES
                else []
            ),
            expand("<results>/9_claims/{file}", file=["claims.csv", "claims.html", "summary.txt"]),
        ],
        downloads=ancient("config/downloads.tsv"),
    output:
        "<results>/9_claims/crate.zip",
    log:
        "<logs>/9_claims/write_crate.log",
    benchmark:
        "<benchmarks>/9_claims/write_crate.tsv"
    conda:
        "../../envs/crate.yaml"
    threads: 1
    resources:
        mem_mb=escalate(1000),
        runtime=escalate(30),
    params:
        code=code_of("write_crate"),
        config=config,
        results=lambda wildcards, output: str(Path(output[0]).parents[1]),
        benchmarks=config["pathvars"]["benchmarks"],
    script:
        "../../scripts/9_claims/write_crate.py"


rule crate:
    """Target: the run in one file for archives, as a Workflow Run RO-Crate."""
    input:
        "<results>/9_claims/crate.zip",

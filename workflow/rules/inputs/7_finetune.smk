# Input functions of 7_finetune.smk.


def label_of(wildcards):
    """Give the settings of a label: its survey, column and limits."""
    return config["finetune"]["labels"][wildcards.label]


def label_table_of(wildcards):
    """List the table that a label has besides the catalogue: one, or none."""
    return [label["table"]] if "table" in (label := label_of(wildcards)) else []


def weights_to_finetune(file):
    """Give an input function that names a file of the pretraining; none to train from scratch."""
    return lambda wildcards: (
        []
        if wildcards.pretraining == SCRATCH
        else f"<results>/3_pretrain/{wildcards.pretraining}/{file}"
    )


def images_to_finetune(wildcards):
    """Name the array of labelled images for a pretraining: three channels if it sees colour."""
    channels = 3 if wildcards.pretraining in config["finetune"]["colour"] else 1
    return f"<results>/7_finetune/{wildcards.label}/images_{channels}.npy"


def seeded_run(wildcards, size, repeat):
    """Give size, repeat and seed of a run."""
    run = FinetuningRun(wildcards.pretraining, wildcards.depth, int(size), int(repeat))
    return [run.size, run.repeat, run.seed(config["finetune"]["seed"], wildcards.label)]


def runs_of_job(wildcards):
    """Give size, repeat and seed of each run of a job, in the order of its outputs."""
    if ALONE and wildcards.depth != FROZEN:
        return [seeded_run(wildcards, wildcards.size, wildcards.repeat)]
    finetune = config["finetune"]
    return [
        seeded_run(wildcards, size, repeat)
        for size in finetune["sizes"]
        for repeat in range(finetune["repeats"])
    ]

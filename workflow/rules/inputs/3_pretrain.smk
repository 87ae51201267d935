# Input functions of 3_pretrain.smk.


def questions_of(pretraining):
    """Give the questions of a pretraining with their answers."""
    pretrainings = config["pretraining"]
    return {name: pretrainings["questions"][name] for name in pretrainings["tasks"][pretraining]}


def recipe_of(wildcards):
    """Give the recipe of a pretraining, with its own number of epochs if config has one."""
    pretrainings = config["pretraining"]
    epochs = pretrainings["epochs_of"].get(wildcards.pretraining, pretrainings["recipe"]["epochs"])
    return pretrainings["recipe"] | {"epochs": epochs}

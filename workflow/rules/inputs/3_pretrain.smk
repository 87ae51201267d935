# Input functions of 3_pretrain.smk.


def questions_of(pretraining):
    """Give the questions of a pretraining with their answers."""
    pretrainings = config["pretraining"]
    asked = pretrainings["tasks"][task_of(pretrainings, pretraining)]
    return {name: pretrainings["questions"][name] for name in asked}


def curve_to_follow(wildcards):
    """Name the learning curve that gives a final pretraining's number of epochs; none for others."""
    task = FINALS.get(wildcards.pretraining)
    return f"<results>/3_pretrain/{task}/learning_curve.csv" if task else []


def recipe_for(pretraining):
    """Give the recipe of a pretraining, with its own number of epochs if config has one."""
    pretrainings = config["pretraining"]
    epochs = pretrainings["epochs_of"].get(pretraining, pretrainings["recipe"]["epochs"])
    return pretrainings["recipe"] | {"epochs": epochs}


def recipe_of(wildcards):
    """Give the recipe of a job's pretraining."""
    return recipe_for(wildcards.pretraining)


def recipe_to_ship(pretraining):
    """Give all settings that an encoder was made with: its sky's, its images' and its training's."""
    pretrainings = config["pretraining"]
    kept = ["survey", "min_votes", "split", "concentrations", "seed"]
    return {
        **{key: pretrainings[key] for key in kept},
        "recipe": recipe_for(pretraining),
        "questions": questions_of(pretraining),
        "crop_size": config["representation"]["crop_size"],
        "cutouts": config["cutouts"],
        "simulation": SURVEYS[PRETRAINED_ON].get("simulation"),
        "code": code_of("pretrain_encoder"),
    }


def given_weights(wildcards):
    """Name the file of given weights."""
    name = wildcards.pretraining
    if name in GIVEN_TABLES:
        # An error raised here would be shown with a traceback; a missing file is named in one line.
        return (
            f"(config) pretraining.weights.{name} is a table, without the network that this needs"
        )
    return weights_file(WEIGHTS[name])

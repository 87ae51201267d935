"""Pretraining on votes: a network learns to predict volunteers' answers (paper Sec. 2.2; W+22)."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import logit

from workflow.lib.common.errors import UserError
from workflow.lib.common.files import write_text
from workflow.lib.common.joins import map_array, rows_of
from workflow.lib.common.name_seeds import name_keys
from workflow.lib.common.tables import read_table
from workflow.lib.network.encoder import Head, random_encoder, save_encoder, save_head
from workflow.lib.network.unfinished import remove_unfinished, unfinished_folder
from workflow.lib.pretrain.dirichlet import best_constant
from workflow.lib.pretrain.votes import (
    Questions,
    answer_columns,
    question_slices,
    read_votes,
    split_names,
)

if TYPE_CHECKING:
    from workflow.lib.pretrain.training import Batches, Recipe

log = logging.getLogger(__name__)

MOST_FITTED = 2000
"""Maximum number of galaxies to which the first, constant prediction is fitted."""


def pretrain(
    catalogue: str | Path,
    images: str | Path,
    names: str | Path,
    follows: str | Path | None = None,
    *,
    survey: str,
    galaxies: str,
    questions: Questions,
    first_question: Questions,
    min_votes: int,
    concentrations: tuple[float, float],
    crop_size: int,
    split: Mapping[str, Any],
    recipe: Mapping[str, Any],
    seed: int,
    weights: str | Path,
    head: str | Path,
    curve: str | Path,
) -> None:
    """Train EfficientNetB0 to predict the votes on some questions.

    Unfinished training is kept beside `weights`, in ``encoder.training-{fingerprint}``. When
    restarted with the same inputs, it resumes after the last complete epoch.

    Parameters
    ----------
    catalogue
        The survey's catalogue, with the counts of votes.
    images, names
        The survey's images and the names of their galaxies, by `shards.gather_images`.
    follows
        Learning curve of an earlier pretraining. If given, this one trains on all galaxies with
        enough votes, for as many epochs as the earlier one took to its lowest validation loss;
        `split` and the recipe's number of epochs do not count (paper Sec. 2.2).
    survey
        Name of the survey.
    galaxies
        What figures call its galaxies, such as "simulated galaxies".
    questions
        The questions that the network is to answer.
    first_question, min_votes
        The question that every volunteer answers, and its fewest votes: galaxies with fewer are
        not learned from.
    concentrations
        Lowest and highest Dirichlet concentration that the network can predict.
    crop_size
        Side of the network's view [pixel].
    split
        Keyword arguments of `votes.split_names`.
    recipe
        Settings of the training: the fields of `training.Recipe`.
    seed
        Seed of the initial weights, the views, the order and the dropout.
    weights, head, curve
        Files to write: the encoder of the best epoch (of the last, with `follows`) with its json,
        its head, and the learning curve (CSV: epoch, learning_rate, loss, validation_loss).

    Raises
    ------
    UserError
        If there are too few galaxies with votes, or the catalogue cannot be read, has wrong counts,
        or lacks a column or a galaxy of the images.
    """
    import keras

    from workflow.lib.pretrain.loss import vote_loss
    from workflow.lib.pretrain.training import (
        Recipe,
        all_gpus,
        build_pretraining_head,
        build_trainee,
        head_weights,
        train,
    )

    shares: dict[str, Any] | None = dict(split)
    if follows is not None:
        recipe, shares = {**recipe, "epochs": best_epoch(follows)}, None
    how = Recipe(**recipe)
    training, validation = _read_sets(
        catalogue, images, names, questions, first_question, min_votes,
        crop=crop_size, split=shares, recipe=how, seed=seed,
    )  # fmt: skip
    pixels, counts = training.images, training.labels
    low, high = concentrations
    with all_gpus(how):
        encoder = random_encoder(crop_size, seed)
        last = build_pretraining_head(
            encoder.output_shape[-1],
            counts.shape[1],
            lambda values: low + (high - low) * keras.ops.sigmoid(values),
            how,
            _first_bias(counts[training.rows], questions, concentrations, seed),
        )
        loss = vote_loss(question_slices(questions).values())
        model = build_trainee(encoder, last, pixels.shape[1], loss, how)
    voted = [dict(first_question), min_votes]
    settings = [dict(questions), voted, concentrations, crop_size, shares, dict(recipe), seed]
    inputs = [catalogue, images, names]
    state = unfinished_folder(weights, settings, inputs, "pretrain.train_on_votes")
    rows = train(model, training, validation, recipe=how, seed=seed, state=state / "training.npz")
    write_text(pd.DataFrame(rows).to_csv(index=False), curve)
    asked = {question: list(answers) for question, answers in questions.items()}
    save_head(Head(asked, (low, high), *head_weights(last)), head)
    known = {
        "survey": survey,
        "questions": list(questions),
        "galaxies": len(training.rows),
        "split": shares,
    }
    label = f"encoder trained on the votes for {len(training.rows):,} {galaxies}"
    save_encoder(encoder, weights, label=label, training=known, seed=seed)
    remove_unfinished(weights)


def best_epoch(curve: str | Path) -> int:
    """Read from a learning curve which epoch, counted from 1, had the lowest validation loss."""
    table = read_table(curve, columns=["epoch", "validation_loss"])
    return int(table["epoch"][table["validation_loss"].idxmin()])


def _read_sets(
    catalogue: str | Path,
    images: str | Path,
    names: str | Path,
    questions: Questions,
    first_question: Questions,
    min_votes: int,
    *,
    crop: int,
    split: Mapping[str, Any] | None,
    recipe: "Recipe",
    seed: int,
) -> tuple["Batches", "Batches | None"]:
    """Give the training and the validation set, of galaxies with enough votes; log their sizes.

    Without a split all these galaxies are trained on.
    """
    from workflow.lib.pretrain.training import Batches

    iaunames = read_table(names, text=["iauname"])["iauname"].tolist()
    pixels = map_array(images, iaunames)
    # The catalogue is read once, with the first question after those that are learned.
    asked = {**questions, **first_question}
    every = _counts_of(iaunames, catalogue, asked)
    counts = every[:, : len(answer_columns(questions))]
    (first,) = first_question
    enough = every[:, question_slices(asked)[first]].sum(axis=1) >= min_votes
    used = counts.any(axis=1) & enough
    drawn = "train" if split is None else split_names(iaunames, **split)
    sets = np.where(used, drawn, "too few votes")
    if split is not None:
        _need_galaxies(sets, recipe.batch_size, questions, catalogue)
    training, validation = (
        Batches(
            pixels, counts, name_keys(iaunames), np.flatnonzero(sets == name),
            crop=crop, recipe=recipe, seed=seed, train=name == "train",
        )
        for name in ("train", "validation")
    )  # fmt: skip
    log.info(
        "%s: %d galaxies to train on, %d to validate",
        ", ".join(questions), len(training.rows), len(validation.rows),
    )  # fmt: skip
    return training, None if split is None else validation


def _counts_of(iaunames: list[str], catalogue: str | Path, questions: Questions) -> np.ndarray:
    """Give the votes of these galaxies, (n, answers); the catalogue may list further galaxies."""
    named, counts = read_votes(catalogue, questions)
    return counts[rows_of(iaunames, named, catalogue)]


def _first_bias(
    counts: np.ndarray, questions: Questions, concentrations: tuple[float, float], seed: int
) -> np.ndarray:
    """Give the bias of the best constant prediction, from which training starts, (answers,)."""
    low, high = concentrations
    shares = []
    for place in question_slices(questions).values():
        asked = counts[:, place][counts[:, place].any(axis=1)]
        chosen = np.random.default_rng(seed).permutation(len(asked))[:MOST_FITTED]
        # Closer to its limits, the sigmoid is so flat that most galaxies have almost no gradient.
        shares.append((np.maximum(best_constant(asked[chosen]), 2 * low) - low) / (high - low))
    return logit(np.minimum(np.concatenate(shares), 0.99)).astype(np.float32)


def _need_galaxies(
    sets: np.ndarray, batch_size: int, questions: Questions, catalogue: str | Path
) -> None:
    trained, validated = (sets == "train").sum(), (sets == "validation").sum()
    if trained < batch_size or not validated:
        raise UserError(
            f"{catalogue}: {trained} galaxies with votes on {', '.join(questions)} to train on and "
            f"{validated} to validate are too few for pretraining.recipe.batch_size {batch_size}"
        )

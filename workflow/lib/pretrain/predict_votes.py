"""Votes predicted by a pretrained network (paper Sec. 2.2)."""

from collections.abc import Sequence
from pathlib import Path

from workflow.lib.common.tables import write_parquet
from workflow.lib.network.encoder import load_encoder, load_head
from workflow.lib.network.forward import answer_all
from workflow.lib.pretrain.votes import held_out_names, votes_table


def predict_votes(
    shards: Sequence[str | Path],
    weights: str | Path,
    head: str | Path,
    votes: str | Path,
    *,
    survey: str,
    crop_size: int,
    batch_size: int,
    seed: int,
    views: int,
) -> None:
    """Write the vote fractions that a pretrained network predicts for each galaxy of a survey.

    Parameters
    ----------
    shards
        The survey's cutout shards.
    weights, head
        An encoder, and the head that it was trained with.
    votes
        Parquet to write, by `votes.votes_table`.
    survey
        Name of the survey. If the network was trained on it, only galaxies of the test set count
        as held out.
    crop_size, batch_size, seed, views
        As for `embed_shard`; the views are the same as those of the representation.

    Raises
    ------
    UserError
        If the weights have no head, or a file is missing, damaged or made for another input.
    """
    encoder, description = load_encoder(weights, crop_size)
    answer = load_head(head)
    iaunames, concentrations = answer_all(
        answer.concentrations, encoder, shards,
        batch_size=batch_size, seed=seed, views=views, origin=weights,
    )  # fmt: skip
    held_out = held_out_names(iaunames, survey, description["training"])
    write_parquet(votes_table(iaunames, concentrations, held_out, answer.questions), votes)

"""Instead of a network's votes: the automated fractions as concentrations."""

import pyarrow.parquet as pq

from benchmarks.rehearsal.stand_ins import known_of
from workflow.lib.common.tables import write_parquet
from workflow.lib.network.encoder import read_description
from workflow.lib.pretrain.votes import answer_columns, held_out_names, votes_table

pretraining, survey = snakemake.wildcards.pretraining, snakemake.wildcards.survey
config = snakemake.config["pretraining"]
asked = config["tasks"].get(pretraining, config["questions"])
questions = {name: config["questions"][name] for name in asked}
names = [
    name
    for shard in snakemake.input.cutouts
    for name in pq.read_table(shard, columns=["iauname"])["iauname"].to_pylist()
]
columns = [f"{answer}_automated-fraction" for answer in answer_columns(questions)]
catalogue = snakemake.output[0].partition("3_pretrain")[0] + f"1_catalogue/{survey}.parquet"
concentrations = 1 + 20 * known_of(catalogue, names, columns).to_numpy()
training = read_description(snakemake.input.weights)["training"]
held_out = held_out_names(names, survey, training)
write_parquet(votes_table(names, concentrations, held_out, questions), snakemake.output[0])

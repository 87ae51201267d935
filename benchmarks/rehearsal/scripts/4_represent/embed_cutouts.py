"""Instead of a forward pass: drawn vectors.

Only those of the encoder shown have all their digits; the others' files are smaller than real ones.
"""

import pyarrow.parquet as pq

from benchmarks.rehearsal.stand_ins import LABELS, known_of, vectors_of
from workflow.lib.common.tables import write_parquet
from workflow.lib.represent.vector_files import representation_schema, representation_table

path, wildcards = snakemake.output[0], snakemake.wildcards
names = pq.read_table(snakemake.input.cutouts, columns=["iauname"])["iauname"].to_pylist()
catalogue = path.partition("4_represent")[0] + f"1_catalogue/{wildcards.survey}.parquet"
vectors = vectors_of(known_of(catalogue, names, LABELS), wildcards.pretraining, path, 1280)
if wildcards.pretraining != snakemake.config["pretraining"]["shown"]:
    vectors = vectors.round(2)
write_parquet(representation_table(names, vectors, representation_schema(1280)), path)

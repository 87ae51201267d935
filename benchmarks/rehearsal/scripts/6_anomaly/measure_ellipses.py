"""Instead of ellipses: drawn features; missing for as many galaxies as in the paper."""

import numpy as np
import pyarrow.parquet as pq

from benchmarks.rehearsal.stand_ins import LABELS, SPURIOUS, known_of, vectors_of
from workflow.lib.anomaly.ellipses import MEASURES
from workflow.lib.common.tables import write_parquet
from workflow.lib.represent.vector_files import representation_schema, representation_table

path, survey = snakemake.output[0], snakemake.wildcards.survey
size = len(MEASURES) * len(snakemake.params.ellipses["percentiles"])
names = pq.read_table(snakemake.input.cutouts, columns=["iauname"])["iauname"].to_pylist()
catalogue = path.partition("6_anomaly")[0] + f"1_catalogue/{survey}.parquet"
known = known_of(catalogue, names, [*LABELS, *SPURIOUS])
vectors = vectors_of(known, "imagenet", path, 64)[:, :size]
vectors[(known[known.columns.intersection(SPURIOUS)] > 0.5).any(axis=1)] = np.nan
write_parquet(representation_table(names, vectors, representation_schema(size)), path)

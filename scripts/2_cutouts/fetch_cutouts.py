"""Fetch, scale and colour the images of one shard."""

from workflow.lib.common.jobs import start_job
from workflow.lib.cutouts.image_sources import open_source
from workflow.lib.cutouts.shards import make_shard
from workflow.lib.sources.http import user_agent

start_job(snakemake.log[0], snakemake.input)
kind = snakemake.params.source
cutouts = dict(snakemake.params.cutouts)
size = cutouts["thumbnail_size"]
cutouts.pop("pixel_scale")
parallel = 1
if kind == "legacysurvey":
    service = dict(snakemake.params.legacysurvey)
    parallel = snakemake.resources.http
    client = {key: service.pop(key) for key in ("timeout", "attempts", "longest_wait")}
    client["user_agent"] = user_agent(service.pop("contact"))
    source = open_source(kind, client=client, thumbnail_size=size, **service)
elif kind == "directory":
    source = open_source(kind, index=snakemake.input.index, shard=snakemake.input.shard)
else:
    simulation = snakemake.params.simulation
    source = open_source(
        kind,
        truth=snakemake.input.images,
        instrument=simulation["instrument"],
        seed=simulation["seed"],
        thumbnail_size=size,
    )
make_shard(
    snakemake.input.shard,
    source,
    snakemake.output.cutouts,
    snakemake.output.failed,
    parallel=parallel,
    **snakemake.params.images,
    **cutouts,
)

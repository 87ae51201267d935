# Input functions of 0_sources.smk.
import re


def named_downloads(value):
    """List the files to download that a part of the configuration names."""
    if isinstance(value, dict):
        # The archives of a survey are not needed if its images come from elsewhere.
        unused = "path" if value.get("source", "directory") != "directory" else None
        value = [below for key, below in value.items() if key != unused]
    if isinstance(value, list):
        return sorted({name for below in value for name in named_downloads(below)})
    return [value] if str(value).startswith("<downloads>/") else []


def not_there(pattern):
    """Constrain a wildcard to files that are not in <downloads> yet.

    For a file that is there, which the user may have put there, no rule is left that could delete
    it and download it again: Snakemake would if it was older than the script.
    """
    there = [re.escape(path.name) for path in Path(config["pathvars"]["downloads"]).glob("*")]
    return f"(?!(?:{'|'.join(there)})$){pattern}"

# Input functions of 0_sources.smk.


def named_downloads(value):
    """List the files to download that a part of the configuration names."""
    if isinstance(value, dict):
        return sorted({name for below in value.values() for name in named_downloads(below)})
    return [value] if str(value).startswith("<downloads>/") else []

# Input functions of 0_sources.smk.


def named_downloads(value):
    """List the files to download that a part of the configuration names."""
    if isinstance(value, dict):
        # The archives of a survey are not needed if its images come from elsewhere.
        unused = "path" if value.get("source", "directory") != "directory" else None
        value = [below for key, below in value.items() if key != unused]
    if isinstance(value, list):
        return sorted({name for below in value for name in named_downloads(below)})
    return [value] if str(value).startswith("<downloads>/") else []

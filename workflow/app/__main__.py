"""Start the web page: ``python -m workflow.app --configfile config/toy.yaml``."""

import argparse
import gc
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamlit.web import cli

from workflow.app.encoder_process import encoder_of
from workflow.app.search import find_similar
from workflow.app.survey import Survey, open_survey
from workflow.lib.common.errors import UserError

LOOPBACK = ("127.0.0.1", "localhost")

OPTIONS = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    # Streamlit replaces a large message by a reference to one that the browser has cached. When a
    # rerun cancels unsent messages, Streamlit drops cached ones and the page goes blank: so no
    # message is large enough to be cached.
    "global.minCachedMessageSize": "1e12",
    # It would look at each object of all libraries after each answer, for a quarter of a second.
    "runner.postScriptGC": "false",
    # Visitors see messages about their own mistakes; errors of the program appear in the terminal.
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "theme.base": "dark",
    "theme.primaryColor": "#2f6fdb",
    "theme.backgroundColor": "#0f1218",
    "theme.secondaryBackgroundColor": "#1b212c",
    "theme.textColor": "#f2f4f8",
    "theme.linkColor": "#a8c7ff",
}
"""Streamlit's options. Set here and not in a file, so that they apply wherever the page starts."""


def warm_up(survey: Survey) -> None:
    """Search once, so that no visitor waits for compilation and loading."""
    similarity = survey.config["similarity"]
    find_similar(
        survey,
        like=[0],
        unlike=[],
        count=1,
        whole=False,
        metric=similarity["metric"],
        allowed=survey.within({}),
        same_within=survey.config["page"]["same_within"],
    )


def flags(options: Mapping[str, Any]) -> list[str]:
    """Write options as command-line flags; an option with several values is repeated."""
    several = {
        name: value if isinstance(value, tuple) else (value,) for name, value in options.items()
    }
    return [f"--{name}={value}" for name, values in several.items() for value in values]


def main() -> None:
    """Check that the workflow's results exist, and serve the page until interrupted."""
    parser = argparse.ArgumentParser(prog="workflow.app", description=__doc__)
    parser.add_argument(
        "--configfile", nargs="*", default=[], help="override values of config/config.yaml"
    )
    parser.add_argument("--address", default=LOOPBACK[0], help="address to listen at (%(default)s)")
    parser.add_argument("--port", type=int, default=8501, help="port to listen at (%(default)s)")
    given = parser.parse_args()
    try:
        survey = open_survey(*given.configfile)
        if not survey.given:
            encoder_of(survey)  # loads in the background, so that the first upload need not wait
        warm_up(survey)
    except UserError as error:
        sys.exit(f"error: {error}")
    options = OPTIONS | {
        "server.address": given.address,
        "server.port": given.port,
        "server.maxUploadSize": survey.config["page"]["upload"],
    }
    if given.address in LOOPBACK:
        # Otherwise a web site whose host name resolves to 127.0.0.1 could read what the page sends.
        options["server.allowedHosts"] = LOOPBACK
    gc.collect()
    gc.freeze()  # Python's own collections then pass over what is loaded now.
    page = Path(__file__).with_name("page.py")
    sys.argv = ["streamlit", "run", str(page), *flags(options), "--", *given.configfile]
    sys.exit(cli.main())


if __name__ == "__main__":
    main()

"""Start the web page: ``python -m workflow.app --configfile config/toy.yaml``."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamlit.web import cli

from workflow.app.search import find_similar
from workflow.app.survey import Survey, open_survey
from workflow.lib.common.errors import UserError

LOOPBACK = ("127.0.0.1", "localhost")

OPTIONS = {
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    # Nothing is sent by reference to what the browser has: where a newer run makes void what is not
    # sent yet, Streamlit forgets to drop references, which then have no place: a blank page.
    "global.minCachedMessageSize": "1e12",
    # Visitors are told their own mistakes; ours stand in the terminal.
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "theme.base": "dark",
    "theme.primaryColor": "#2f6fdb",
    "theme.backgroundColor": "#0f1218",
    "theme.secondaryBackgroundColor": "#1b212c",
    "theme.textColor": "#f2f4f8",
    "theme.linkColor": "#a8c7ff",
}
"""Of Streamlit. Given here and not in a file, so that they hold wherever the page is started."""


def warm_up(survey: Survey) -> None:
    """Search once, so that nobody waits for what is compiled or loaded the first time."""
    similarity = survey.config["similarity"]
    find_similar(
        survey,
        like=[0],
        unlike=[],
        count=1,
        whole=False,
        metric=similarity["metric"],
        allowed=survey.within({}),
        same_within=similarity["same_within"],
    )


def flags(options: Mapping[str, Any]) -> list[str]:
    """Write options as Streamlit takes them; one of several values is given several times."""
    several = {
        name: value if isinstance(value, tuple) else (value,) for name, value in options.items()
    }
    return [f"--{name}={value}" for name, values in several.items() for value in values]


def main() -> None:
    """Check that there is something to show, and serve it until interrupted."""
    parser = argparse.ArgumentParser(prog="workflow.app", description=__doc__)
    parser.add_argument("--configfile", nargs="*", default=[], help="laid over config/config.yaml")
    parser.add_argument("--address", default=LOOPBACK[0], help="to listen at (%(default)s)")
    parser.add_argument("--port", type=int, default=8501, help="to listen at (%(default)s)")
    given = parser.parse_args()
    try:
        survey = open_survey(*given.configfile)
        warm_up(survey)
    except UserError as error:
        sys.exit(f"error: {error}")
    options = OPTIONS | {
        "server.address": given.address,
        "server.port": given.port,
        "server.maxUploadSize": survey.config["page"]["upload"],
    }
    if given.address in LOOPBACK:
        # Or a web site elsewhere could, by a name that it lets point here, read along.
        options["server.allowedHosts"] = LOOPBACK
    page = Path(__file__).with_name("page.py")
    sys.argv = ["streamlit", "run", str(page), *flags(options), "--", *given.configfile]
    sys.exit(cli.main())


if __name__ == "__main__":
    main()

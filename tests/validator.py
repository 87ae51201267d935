"""Validate a Workflow Run Crate without a network; run in the validator's own environment.

Arguments: the crate, RO-Crate's vocabulary as the library has it, and a folder for files.
"""

import io
import json
import sys
from pathlib import Path

from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from rocrate_validator.services import ValidationSettings, validate
from urllib3 import HTTPResponse

VOCABULARY = "https://w3id.org/ro/crate/1.1/context"
MOVED = {"ComputationalWorkflow": "https://bioschemas.org/ComputationalWorkflow"}
"""The term that we use and that has another address in version 1.1 than in the library's, 1.3."""


class FromFile(HTTPAdapter):
    """Answers with the vocabulary instead of asking a server."""

    def __init__(self, path):
        super().__init__()
        words = json.loads(path.read_text())
        words["@context"] |= MOVED
        self.body = json.dumps(words).encode()

    def send(self, request, **_):
        answer = HTTPResponse(
            io.BytesIO(self.body),
            headers={"Content-Type": "application/ld+json"},
            status=200,
            preload_content=False,
        )
        return self.build_response(request, answer)


def main(crate, vocabulary, folder):
    """Print what the validator finds wrong."""
    cache = folder / "answers"
    with CachedSession(cache, backend="sqlite", expire_after=-1) as session:
        session.mount("https://", FromFile(vocabulary))
        session.get(VOCABULARY)
    settings = ValidationSettings(
        rocrate_uri=str(crate),
        profile_identifier="workflow-run-crate-0.5",
        offline=True,
        cache_path=cache,
    )
    for issue in validate(settings).get_issues():
        print(issue.check.identifier, issue.message)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

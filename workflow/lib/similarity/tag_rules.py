"""The table config/tags.tsv: tags that are synonyms, and tags that are left out (Sec. 2.4)."""

import csv
from pathlib import Path
from typing import NamedTuple

from workflow.lib.common.errors import UserError

COLUMNS = ("tag", "becomes", "because")


class TagRules(NamedTuple):
    """The content of config/tags.tsv."""

    synonyms: dict[str, str]
    """For each other spelling the tag that it becomes, in the table's order."""
    excluded: dict[str, str]
    """For each tag that is left out the reason."""

    def spellings(self) -> dict[str, list[str]]:
        """Give all spellings of each tag that has several, the tag itself first."""
        spellings: dict[str, list[str]] = {}
        for spelling, tag in self.synonyms.items():
            spellings.setdefault(tag, [tag]).append(spelling)
        return spellings


def read_tag_rules(path: str | Path) -> TagRules:
    """Read which tags are synonyms and which are left out.

    Parameters
    ----------
    path
        Tab-separated, with the columns tag, becomes and because. A tag is replaced by the one in
        `becomes`. If that is empty, the tag is left out, for the reason in `because`.

    Raises
    ------
    UserError
        Naming the file, the tag and what is wrong with it.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not text in UTF-8; save it as such") from error
    except FileNotFoundError:
        raise UserError(f"{path}: no such table of tags") from None
    rows = csv.DictReader(lines, delimiter="\t", restval="")
    if tuple(rows.fieldnames or ()) != COLUMNS:
        raise UserError(f"{path}: the columns must be {', '.join(COLUMNS)}, separated by tabs")
    rules = TagRules({}, {})
    for row in rows:
        tag, becomes, because = (row[column].strip() for column in COLUMNS)
        if tag in rules.synonyms or tag in rules.excluded:
            raise UserError(f"{path}: tag '{tag}' is listed twice; remove one row")
        if becomes:
            rules.synonyms[tag] = becomes
        elif because:
            rules.excluded[tag] = because
        else:
            raise UserError(f"{path}: say what tag '{tag}' becomes, or why it is left out")
    for tag, becomes in rules.synonyms.items():
        if becomes in rules.synonyms or becomes in rules.excluded:
            raise UserError(f"{path}: tag '{tag}' becomes '{becomes}', which has a row of its own")
    return rules

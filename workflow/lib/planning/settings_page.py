"""The page that explains every setting, config/README.md; `make docs` writes it from the schema."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

from workflow.lib.planning.config import BASE, SCHEMA

PAGE = BASE.with_name("README.md")

KINDS = {
    "string": "text",
    "boolean": "true or false",
    "object": "",
    "null": "null",
    "array": "list",
}
"""Words for the types of JSON schema, where its own are not plain."""

NUMBERS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
}
"""Words for the bounds of numbers, in the order in which they are written."""


class Setting(NamedTuple):
    """One key of the configuration."""

    key: str
    """With ``<name>`` where the user chooses the word."""
    schema: dict[str, Any]
    """What the schema says of it; references are resolved."""


def settings(schema: Mapping[str, Any]) -> Iterator[Setting]:
    """List the keys of a schema, also those that hold further keys.

    Parameters
    ----------
    schema
        The parsed schema. Keywords of ours: ``unit``, ``source``, ``kind`` and ``entry``, which
        names the free keys of a mapping.

    Yields
    ------
    Setting
        In the order of the schema, each key before those that it holds.
    """
    yield from _below(schema, schema["$defs"], "")


def settings_page(schema: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    """Write the page: one section for each top-level key, in it a table of the keys below.

    Parameters
    ----------
    schema
        The parsed schema, as for `settings`.
    defaults
        The configuration from which the last column is taken.

    Returns
    -------
    str
        Markdown.
    """
    lines = [
        "<!-- Generated: edit workflow/schemas/config.schema.yaml, then run `make docs`. -->",
        f"# {schema['title']}",
        schema["description"].strip(),
    ]
    table: list[str] = []
    for key, node in settings(schema):
        if "." not in key:
            lines += ["\n".join(table)] * bool(table)
            lines += [f"## {key}", node["description"].strip()]
            table = ["| key | meaning | type | unit | bounds | default, source |", f"|{6 * '---|'}"]
        elif "description" in node:
            cells = [
                f"`{key}`",
                node["description"],
                _type(node),
                node.get("unit", ""),
                _bounds(node),
                ", ".join(filter(None, [_default(key, defaults), node.get("source")])),
            ]
            table.append(f"| {' | '.join(' '.join(cell.split()) for cell in cells)} |")
    return "\n\n".join([*lines, "\n".join(table)]) + "\n"


def _below(node: Mapping[str, Any], shared: Mapping[str, Any], above: str) -> Iterator[Setting]:
    inner = dict(node.get("properties", {}))
    if isinstance(node.get("additionalProperties"), dict):
        inner[f"<{node['entry']}>"] = node["additionalProperties"]
    for name, part in inner.items():
        key, whole = f"{above}.{name}".lstrip("."), _resolved(part, shared)
        yield Setting(key, whole)
        yield from _below(whole, shared, key)


def _resolved(node: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """Put what a reference points to below what is said beside it; likewise for lists' items."""
    whole = dict(node)
    if "$ref" in whole:
        whole = _resolved(shared[whole.pop("$ref").rpartition("/")[2]], shared) | whole
    if "items" in whole:
        whole["items"] = _resolved(whole["items"], shared)
    return whole


def _type(node: Mapping[str, Any]) -> str:
    if node.get("type") == "array":
        item = _type(node["items"])
        return f"list of {item if item == 'text' else f'{item}s'}"
    named = node.get("type", "string")
    kinds = [KINDS.get(kind, kind) for kind in ([named] if isinstance(named, str) else named)]
    return " or ".join(filter(None, [node.get("kind", kinds[0]), *kinds[1:]]))


def _bounds(node: Mapping[str, Any]) -> str:
    """Say in words which values the schema allows."""
    if node.get("type") == "array":
        least, most = node.get("minItems"), node.get("maxItems")
        count = f"exactly {least} entries" if least and least == most else ""
        if least and least != most:
            count = f"at least {least} {'entry' if least == 1 else 'entries'}"
        each = _bounds(node["items"])
        return "; ".join(filter(None, [count, each and f"each {each}"]))
    if "enum" in node:
        return " or ".join([", ".join(node["enum"][:-1]), node["enum"][-1]])
    return ", ".join(words.format(node[name]) for name, words in NUMBERS.items() if name in node)


def _default(key: str, defaults: Mapping[str, Any]) -> str:
    value: Any = defaults
    for name in key.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return ""
        value = value[name]
    if isinstance(value, Mapping):
        return ""
    return f"`{value if isinstance(value, str) else json.dumps(value).replace(chr(34), '')}`"


if __name__ == "__main__":
    parts = (yaml.safe_load(path.read_text()) for path in (SCHEMA, BASE))
    PAGE.write_text(settings_page(*parts))

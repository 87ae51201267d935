"""The schema, the shipped configurations and config/README.md have the same keys."""

import re

import pytest
import yaml

from tests.unit.planning.configurations import (
    OVERLAYS,
    PLACEHOLDERS,
    at,
    at_path,
    changed,
    complaint,
    load,
    parsed,
    paths,
)
from workflow.lib.planning.config import BASE, SCHEMA
from workflow.lib.planning.settings_page import NUMBERS, PAGE, settings, settings_page

SETTINGS = dict(settings(parsed(SCHEMA)))
BOUNDED = [key for key, node in SETTINGS.items() if {*NUMBERS} & {*node} and "<" not in key]

OPTIONAL = {
    "finetune.labels.<label>.table",
    *(f"{part}.labels.<label>.cuts.<column>.below" for part in ("probe", "finetune")),
}
"""Keys that no shipped configuration has."""


def general(path):
    """Give a path of a configuration as a key of the schema."""
    return ".".join(
        PLACEHOLDERS.get(path[place - 1], name) if place else name
        for place, name in enumerate(path)
    )


def leaves(config):
    """The keys of a configuration that hold no further keys."""
    return {general(path) for path in paths(config) if not isinstance(at_path(config, path), dict)}


def schema_keys(schema, root, above=()):
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    below = dict(schema.get("properties", {}))
    if isinstance(schema.get("additionalProperties"), dict):
        below[PLACEHOLDERS[above[-1]]] = schema["additionalProperties"]
    if not below or "string" in schema.get("type", ""):  # which may have a value, or keys
        yield ".".join(above)
    for name, value in below.items():
        yield from schema_keys(value, root, (*above, name))


def all_schema_keys():
    schema = parsed(SCHEMA)
    return list(schema_keys(schema, schema))


def test_every_key_of_the_schema_is_in_a_shipped_configuration():
    used = leaves(load()).union(*(leaves(load(*names)) for names in OVERLAYS))
    assert set(all_schema_keys()) - used == OPTIONAL


def test_every_key_of_the_shipped_configurations_is_in_the_schema():
    used = leaves(load()).union(*(leaves(load(*names)) for names in OVERLAYS))
    assert used <= set(all_schema_keys())


def test_no_key_of_the_schema_takes_just_anything():
    schema = parsed(SCHEMA)

    def closed(node, where):
        if isinstance(node, dict):
            if node.get("type") == "object":
                assert "additionalProperties" in node, where
                assert node["additionalProperties"] is not True, where
            for name, value in node.items():
                closed(value, f"{where}.{name}")

    closed(schema, "schema")


def test_the_page_is_the_one_that_the_schema_gives():
    made = settings_page(parsed(SCHEMA), parsed(BASE))
    assert PAGE.read_text() == made, "config/README.md is out of date: run `make docs`"


def test_the_page_has_one_row_for_each_key():
    rows = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert len({*rows}) == len(rows)
    assert sorted({*rows} & {*all_schema_keys()}) == sorted(all_schema_keys())
    assert {*rows} <= {key for key, _ in settings(parsed(SCHEMA))}


def test_each_row_of_the_page_has_a_meaning_and_a_type():
    keys = {*all_schema_keys()}
    for line in PAGE.read_text().splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]
            assert len(cells) == 6, line
            assert all(cells[:3] if cells[0].strip("`") in keys else cells[:2]), line


def test_every_key_has_a_description():
    for key, node in settings(parsed(SCHEMA)):
        inner = node.get("additionalProperties")
        if node.get("type") != "object" or (not isinstance(inner, dict) and not key.endswith(">")):
            assert node.get("description"), key


@pytest.mark.parametrize("key", BOUNDED)
def test_a_number_beyond_its_bounds_is_refused_and_the_bound_named(key):
    node = SETTINGS[key]
    for name, words in NUMBERS.items():
        if name in node:
            beyond = node[name] + {"minimum": -1, "maximum": 1}.get(name, 0)
            message = complaint(changed(key, beyond))
            assert f"'{key}': must be {words.format(node[name])}" in message


def test_the_sections_of_the_paper_are_those_in_the_comments_of_the_configuration():
    lines, compared = BASE.read_text().splitlines(), 0
    for key, line in lines_of(yaml.compose(BASE.read_text())):
        sections = [
            re.findall(r"\b\d\.\d(?:\.\d)?\b", text)
            for text in (lines[line].partition("#")[2], SETTINGS.get(key, {}).get("source", ""))
        ]
        if all(sections):
            assert {*sections[0]} == {*sections[1]}, key
            compared += 1
    assert compared > 40


def lines_of(node, above=""):
    """Each key of a parsed YAML file, with the index of its line."""
    for name, value in node.value:
        yield above + name.value, name.start_mark.line
        if isinstance(value, yaml.MappingNode):
            yield from lines_of(value, f"{above}{name.value}.")


def test_words_for_bounds_types_and_defaults():
    schema = {
        "title": "Title",
        "description": "Intro.",
        "$defs": {"share": {"type": "number", "minimum": 0, "exclusiveMaximum": 1}},
        "properties": {
            "a": {
                "description": "Section.",
                "properties": {
                    "b": {"description": "B.", "unit": "arcsec", "$ref": "#/$defs/share"},
                    "c": {
                        "description": "C.",
                        "source": "S. 1",
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "integer", "minimum": 2},
                    },
                    "d": {
                        "entry": "word",
                        "additionalProperties": {"description": "D.", "enum": ["x", "y", "z"]},
                    },
                    "e": {"description": "E.", "type": ["string", "null"], "kind": "URL"},
                },
            }
        },
    }
    page = settings_page(schema, {"a": {"b": 0.5, "c": [2, 3], "d": {"one": "x"}, "e": None}})
    assert page.splitlines()[2:] == [
        "# Title",
        "",
        "Intro.",
        "",
        "## a",
        "",
        "Section.",
        "",
        "| key | meaning | type | unit | bounds | default, source |",
        "|---|---|---|---|---|---|",
        "| `a.b` | B. | number | arcsec | at least 0, below 1 | `0.5` |",
        "| `a.c` | C. | list of integers |  | at least 1 entry; each at least 2 | `[2, 3]`, S. 1 |",
        "| `a.d.<word>` | D. | text |  | x, y or z |  |",
        "| `a.e` | E. | URL or null |  |  | `null` |",
    ]


def test_every_setting_that_the_page_of_deviations_names_exists():
    config = load()
    page = (BASE.parents[1] / "docs/deviations.md").read_text()
    # Paths of keys; a word alone may be anything, and a name with an ending is a file.
    named = set(re.findall(r"`([a-z_0-9]+(?:\.[a-z_0-9]+)+)`", page))
    named = {key for key in named if not key.endswith((".csv", ".json", ".yaml"))}
    assert len(named) > 15
    for key in named:
        at(config, key)

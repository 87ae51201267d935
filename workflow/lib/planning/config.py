"""Reading and checking the configuration: a mistake gives one line that names the key.

Every job imports this module, so it imports nothing heavy.
"""

import difflib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError, best_match

from workflow.lib.common.errors import UserError
from workflow.lib.planning.contradictions import contradictions

SCHEMA = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"
BASE = Path(__file__).parents[3] / "config" / "config.yaml"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C loader reads the schema about ten times as fast, and every job reads it."""

TEMPLATE = "__use_yte__"
"""Key by which Snakemake takes a configuration for a template with code (by its library yte)."""

SHOWN = 80
"""Longest piece of a wrong value that a message quotes."""


def read_config(overlays: Iterable[str | Path]) -> dict[str, Any]:
    """Read and check the configuration outside of Snakemake, merged as Snakemake merges it.

    Parameters
    ----------
    overlays
        Files to lay over ``config/config.yaml``, in order.

    Raises
    ------
    UserError
        If a file is missing, is not YAML, or as `check_config`.
    """
    config: dict[str, Any] = {}
    for path in (BASE, *overlays):
        config = merged(config, read_file(path))
    check_config(config)
    return config


def read_file(path: str | Path) -> dict[str, Any]:
    """Read one file of a configuration.

    Raises
    ------
    UserError
        If the file is missing, is not YAML in UTF-8, has a key twice, or asks Snakemake to run the
        code in it.
    """
    try:
        found = yaml.load(Path(path).read_text(encoding="utf-8"), _Loader)
    except Exception as error:  # PyYAML raises all kinds of errors for a value that has a wrong tag
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: not a configuration ({reason})") from error
    if not isinstance(found, dict):
        raise UserError(f"{path}: not a configuration (no keys)")
    if TEMPLATE in found:
        raise UserError(
            f"{path}: '{TEMPLATE}' has Snakemake run the code in this file; remove it, and all "
            "values that begin with ? (see SECURITY.md)"
        )
    return found


class _Loader(LOADER):
    """Reads YAML as `yaml.safe_load` does, but refuses a key that is given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                line = key.start_mark.line + 1
                raise yaml.YAMLError(f"key '{key.value}' is given twice, again in line {line}")
            seen.add(key.value if isinstance(key.value, str) else id(key))
        return super().construct_mapping(node, deep)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one configuration over another: its values replace those below, what it omits stays."""
    both = dict(base)
    for key, value in over.items():
        inner = isinstance(value, Mapping) and isinstance(both.get(key), Mapping)
        both[key] = merged(both[key], value) if inner else value
    return both


def check_config(config: Mapping[str, Any]) -> None:
    """Check a configuration against the schema, then for contradictions between its keys.

    Parameters
    ----------
    config
        The merged configuration.

    Raises
    ------
    UserError
        On the first misspelt or missing key, wrong type, value out of range or contradiction.
    """
    error = best_match(_validator().iter_errors(config))
    if error is not None:
        raise UserError(f"config: {_describe(error)}")
    for problem in contradictions(config):
        raise UserError(f"config: {problem}")


@cache
def _validator() -> Draft202012Validator:
    # JSON schema takes 4.0 for an integer, but Python's `range` does not.
    whole = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: type(value) is int
    )
    strict = validators.extend(Draft202012Validator, type_checker=whole)
    return strict(yaml.load(SCHEMA.read_text(), LOADER))


def _describe(error: ValidationError) -> str:
    key = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = next(name for name in error.instance if name not in known)
        close = difflib.get_close_matches(str(unknown), known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"known here: {', '.join(known)}"
        return f"unknown key '{f'{key}.{unknown}' if key else unknown}'; {hint}"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return f"missing key '{f'{key}.{missing}' if key else missing}'"
    return f"'{key}': {_expectation(error)}, not {_quote(error.instance)}"


def _quote(value: Any) -> str:
    text = json.dumps(value, default=str)
    return f"{text[:SHOWN]}..." if len(text) > SHOWN else text


def _expectation(error: ValidationError) -> str:
    value = error.validator_value
    words = {
        "type": lambda: f"must be {' or '.join([value] if isinstance(value, str) else value)}",
        "minimum": lambda: f"must be at least {value}",
        "maximum": lambda: f"must be at most {value}",
        "exclusiveMinimum": lambda: f"must be above {value}",
        "exclusiveMaximum": lambda: f"must be below {value}",
        "enum": lambda: f"must be one of {', '.join(map(str, value))}",
        "pattern": lambda: f"must match {value}",
        "minItems": lambda: f"must have at least {value} entries",
        "uniqueItems": lambda: "must have no entry twice",
    }
    return words[error.validator]() if error.validator in words else error.message

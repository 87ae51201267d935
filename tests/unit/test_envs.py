"""The environments: one version of each package everywhere, and for each rule what it imports."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ENVS = sorted((ROOT / "envs").glob("*.yaml"))
LOCK = (ROOT / "envs" / "requirements.lock").read_text()
LOCKED = dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]+\])?==(\S+)", LOCK, re.MULTILINE))
RULE_FILES = sorted((ROOT / "workflow" / "rules").glob("*.smk"))
PACKAGES = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "urllib3": "requests",
    "yaml": "pyyaml",
}
"""The package that brings each module of another name."""


def pins(env):
    """The version of each package of an environment, by conda and by pip."""
    for entry in yaml.safe_load(env.read_text())["dependencies"]:
        for pin in entry["pip"] if isinstance(entry, dict) else [entry]:
            name, _, version = pin.replace("==", "=").partition("=")
            yield name.partition("[")[0], version


def scripted_rules():
    for file in RULE_FILES:
        for rule in re.split(r"^rule ", file.read_text(), flags=re.MULTILINE)[1:]:
            if script := re.search(r'script:\s+"([^"]+)"', rule):
                conda = re.search(r'conda:\s+"([^"]+)"', rule)
                name = rule.partition(":")[0]
                yield name, (file.parent / script[1]).resolve(), conda and file.parent / conda[1]


RULES = list(scripted_rules())
APP = ROOT / "envs" / "app.yaml"
MODULES = [(f"app/{path.stem}", path, APP) for path in sorted((ROOT / "workflow/app").glob("*.py"))]
"""No rule runs the web page; an environment of its own has what it imports."""


def imports(nodes):
    """Modules that these statements import, each with the names taken from it."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
            if ROOT.joinpath(*node.module.split("."), "__init__.py").exists():
                yield from ((f"{node.module}.{name}", []) for name in names)
            else:
                yield node.module, names


def packages_needed(module, names, seen):
    """Packages that are loaded when `names` of a module are imported and called."""
    path = ROOT.joinpath(*module.split("."))
    if module.partition(".")[0] != "workflow":
        return {PACKAGES.get(module.partition(".")[0], module.partition(".")[0])}
    tree = ast.parse(path.with_suffix(".py").read_text())
    statements = list(tree.body)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    called = [name for name in names if name in functions]
    for name in called:
        body = list(ast.walk(functions[name]))
        statements += body
        mentioned = {node.id for node in body if isinstance(node, ast.Name)}
        called += [other for other in mentioned & set(functions) if other not in called]
    needed = set()
    for other, _ in imports(statements):
        if other not in seen:
            seen.add(other)
            # What a function of another module imports only when called may never be needed.
            needed |= packages_needed(other, [], seen)
    return needed


@pytest.mark.parametrize("env", ENVS, ids=lambda path: path.stem)
def test_every_pin_is_exact_and_the_locks_version(env):
    for name, version in pins(env):
        if name == "pip":
            continue
        if name == "python":
            assert version == "3.11"
            continue
        assert LOCKED[name] == version, f"{env.name}: {name}"


def test_the_lock_has_a_hash_for_every_package_and_no_address():
    packages = re.split(r"\n(?=[a-z0-9])", LOCK.strip())
    without = [text.splitlines()[0] for text in packages if "--hash=sha256:" not in text]
    assert [line for line in without if "==" in line] == []
    assert len(LOCKED) > 50
    assert "://" not in LOCK
    assert "index-url" not in LOCK


@pytest.mark.parametrize("package", ["pytest", "hypothesis", "snakemake", "jsonschema", "ruff"])
def test_the_lock_has_what_tests_need(package):
    assert package in LOCKED


def test_every_rule_with_a_script_has_an_environment():
    assert len(RULES) >= 12
    for name, script, conda in RULES:
        assert script.exists(), name
        assert script.stem == name
        assert conda is not None, name
        assert conda.resolve() in ENVS, name


def test_every_environment_is_used():
    assert {conda.resolve() for _, _, conda in RULES + MODULES} == set(ENVS)
    assert APP not in {conda.resolve() for _, _, conda in RULES}


@pytest.mark.parametrize(
    ("name", "script", "conda"), RULES + MODULES, ids=[one[0] for one in RULES + MODULES]
)
def test_an_environment_has_what_its_rules_or_the_page_import(name, script, conda):
    tree = ast.parse(script.read_text())
    needed = set()
    for module, names in imports(ast.walk(tree)):
        needed |= packages_needed(module, names, set())
    have = {package for package, _ in pins(conda)}
    missing = needed - sys.stdlib_module_names - have
    assert missing == set(), f"{name}: {conda.name} has no {', '.join(sorted(missing))}"

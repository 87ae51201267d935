"""Environments: the same version of a package everywhere, and every package that a rule imports."""

import ast
import re
import subprocess
import sys
from fnmatch import fnmatch
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
import yaml
from jsonschema import validate
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rattler import MatchSpec

ROOT = Path(__file__).parents[2]
ENVS = sorted((ROOT / "envs").glob("*.yaml"))
LOCKS = [ROOT / "envs/requirements.lock", ROOT / "envs/requirements-cuda.lock"]


def locked(lock):
    """Each package of a lock and its version."""
    pattern = r"^([a-z0-9][a-z0-9._-]*)(?:\[[^\]]+\])?==(\S+)"
    return dict(re.findall(pattern, lock.read_text(), re.MULTILINE))


LOCKED = locked(LOCKS[0])
RULE_FILES = sorted((ROOT / "workflow" / "rules").glob("*.smk"))
PACKAGES = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "urllib3": "requests",
    "yaml": "pyyaml",
}
"""Packages whose modules have another name, by module."""


def pins(env):
    """Each package of an environment and its version, from conda and from pip."""
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
"""No rule runs the web page; it has an environment of its own."""


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


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_a_lock_has_a_hash_for_every_package_and_no_address(lock):
    text = lock.read_text()
    packages = re.split(r"\n(?=[a-z0-9])", text.strip())
    without = [package.splitlines()[0] for package in packages if "--hash=sha256:" not in package]
    assert [line for line in without if "==" in line] == []
    assert len(locked(lock)) > 50
    assert "://" not in text
    assert "index-url" not in text


def test_the_lock_with_cuda_adds_nvidias_libraries_only():
    with_cuda = locked(LOCKS[1])
    added = {name: with_cuda.pop(name) for name in set(with_cuda) - set(LOCKED)}
    assert with_cuda == LOCKED
    assert all(name.startswith("nvidia-") for name in added)
    metadata = requires("tensorflow")
    for name, version in re.findall(r"^(nvidia-[\w-]+)[^;]*?([\d.]+)", "\n".join(metadata), re.M):
        assert name in added, f"tensorflow wants {name} {version}"


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_a_lock_has_what_each_python_needs(lock, version):
    """Nothing that a package requires is left out for this Python, on Linux."""
    have = locked(lock)
    environment = {"python_version": version, "python_full_version": f"{version}.0"}
    for package in LOCKED:
        try:
            wanted = [Requirement(line) for line in requires(package) or []]
        except PackageNotFoundError:  # of other systems
            continue
        for one in wanted:
            if one.marker is None or one.marker.evaluate(environment | {"extra": ""}):
                name = canonicalize_name(one.name)
                assert one.specifier.contains(have[name], prereleases=True), f"{package}: {one}"


CONDA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["channels", "dependencies"],
    "properties": {
        "channels": {"type": "array", "minItems": 1, "items": {"type": "string"}},
        "dependencies": {
            "type": "array",
            "uniqueItems": True,
            "items": {
                "anyOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["pip"],
                        "properties": {"pip": {"type": "array", "items": {"type": "string"}}},
                    },
                ]
            },
        },
    },
}
"""What conda accepts (CEP 24), without keys that Snakemake does not use, such as name."""


@pytest.mark.parametrize("env", ENVS, ids=lambda path: path.stem)
def test_conda_can_read_an_environment(env):
    content = yaml.safe_load(env.read_text())
    validate(content, CONDA)
    specs = [spec for spec in content["dependencies"] if isinstance(spec, str)]
    for spec in specs:
        match = MatchSpec(spec, strict=True)
        assert match.name.normalized == spec.partition("=")[0]
        assert spec == "pip" or match.version is not None, spec
    # conda wants pip listed if there are packages from pip.
    assert ("pip" in specs) == any(isinstance(one, dict) for one in content["dependencies"])


@pytest.mark.thorough
@pytest.mark.parametrize("env", ENVS, ids=lambda path: path.stem)
def test_pip_can_resolve_its_packages_of_an_environment(env):
    content = yaml.safe_load(env.read_text())["dependencies"]
    for section in [one["pip"] for one in content if isinstance(one, dict)]:
        pip = [sys.executable, "-m", "pip", "install", "--dry-run"]
        pinned = [f"{name}=={version}" for name, version in pins(env) if name in LOCKED]
        subprocess.run([*pip, *section, *pinned], check=True)


# One image for clusters without conda

DOCKER = (ROOT / "envs/Dockerfile").read_text()
APPTAINER = (ROOT / "envs/apptainer.def").read_text()


def commands(text):
    return [line.strip() for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def recipe_of_docker():
    """The base image, the files copied and the commands run."""
    words = [line.partition(" ") for line in commands(DOCKER) if not line.startswith("#")]
    found = {name: [rest for key, _, rest in words if key == name] for name, _, _ in words}
    assert set(found) == {"FROM", "COPY", "RUN"}
    return found["FROM"], found["COPY"], " && ".join(found["RUN"])


def recipe_of_apptainer():
    head, *parts = re.split(r"^%", APPTAINER, flags=re.MULTILINE)
    lines = [line for line in commands(head) if not line.startswith("#")]
    header = dict(line.split(": ") for line in lines)
    assert header.pop("Bootstrap") == "docker"
    sections = {name: rest for name, _, rest in (part.partition("\n") for part in parts)}
    assert set(sections) == {"files", "post"}
    return [header["From"]], commands(sections["files"]), " && ".join(commands(sections["post"]))


def test_both_recipes_make_the_same_image():
    def plain(text):
        return re.sub(r"\s+", " ", text)

    docker, apptainer = recipe_of_docker(), recipe_of_apptainer()
    assert docker[:2] == apptainer[:2]
    assert plain(docker[2]) == plain(apptainer[2])


def test_the_image_has_the_packages_and_the_python_of_the_makefile():
    base, copied, run = recipe_of_docker()
    (version,) = re.findall(r"python:(\d\.\d+)-slim", base[0])
    makefile = (ROOT / "Makefile").read_text()
    assert f"python{version} " in makefile
    assert all(f"python={version}" in env.read_text() for env in ENVS)
    source, target = copied[0].split()
    assert source == "envs/requirements-cuda.lock"
    installed = re.search(r"pip install (.*?) -r (\S+)", run)
    assert installed[2] == target
    assert "--require-hashes" in installed[1]
    # The Makefile's environment has the same packages, held to the same hashes.
    assert "envs/install.sh .venv envs/requirements$(CUDA).lock" in makefile
    script = (ROOT / "envs/install.sh").read_text().replace("\\\n", " ")
    assert re.search(r'pip" install .*--require-hashes -r "\$lock"', script)


def test_snakemake_looks_for_the_image_where_the_documentation_builds_it():
    (image,) = re.findall(r'^container: "(.*)"', (ROOT / "Snakefile").read_text(), re.MULTILINE)
    assert f"apptainer build {image} envs/apptainer.def" in (ROOT / "docs/cluster.md").read_text()
    assert (
        fnmatch(f"/{image}", "/envs/*.sif") and "/envs/*.sif" in (ROOT / ".gitignore").read_text()
    )


def test_one_line_of_the_profile_chooses_where_jobs_find_their_packages():
    profile = (ROOT / "workflow/profiles/slurm/profile.v9+.yaml").read_text()
    choices = re.findall(r"^# (software-deployment-method: \w+)", profile, re.MULTILINE)
    assert [choice.split()[-1] for choice in choices] == ["conda", "apptainer"]
    assert "software-deployment-method" not in yaml.safe_load(profile)
    for choice in choices:
        yaml.safe_load(profile.replace(f"# {choice}", choice))


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

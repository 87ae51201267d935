"""A rule is rerun when code that it can reach is edited, and only then."""

import ast
import re
import shutil

import grimp
import pytest

from tests.conftest import ROOT
from workflow.lib.planning import code_hash

SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").rglob("*.py"))


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A copy of the code, for tests to edit."""
    for name, folder in {"LIB": "workflow/lib", "SCRIPTS": "scripts"}.items():
        copy = shutil.copytree(ROOT / folder, tmp_path / folder)
        monkeypatch.setattr(code_hash, name, copy)
    monkeypatch.setattr(code_hash, "REMEMBERED", tmp_path / "remembered.json")
    return tmp_path


def hashes():
    for function in vars(code_hash).values():
        if hasattr(function, "cache_clear"):
            function.cache_clear()  # a process reads each file once
    return {script: code_hash.script_digest(script) for script in SCRIPTS}


def test_each_rule_names_its_script():
    rules = [path.read_text() for path in (ROOT / "workflow/rules").rglob("*.smk")]
    named = [name for text in rules for name in re.findall(r'code_of\("(\w+)"', text)]
    run = [name for text in rules for name in re.findall(r"scripts/(?:\w+/)?(\w+)\.py", text)]
    assert sorted({*run} - {*named}) == ["download_file"]  # a file is checked by its checksum
    assert sorted({*run}) == SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_hash_covers_every_module_that_a_script_can_reach(script, graph):
    (path,) = (ROOT / "scripts").rglob(f"{script}.py")
    direct = set(re.findall(r"^from (workflow\.lib\.[\w.]+) import", path.read_text(), re.M))
    assert direct
    reached = direct.union(*(graph.find_upstream_modules(name) for name in direct))
    unhashed = {f"workflow.lib.{name}" for name in code_hash.UNHASHED}
    files = {
        name for name in reached if code_hash.file_of(name.removeprefix("workflow.lib.")).exists()
    }
    found = code_hash.modules(*(name.removeprefix("workflow.lib.") for name in direct))
    assert {f"workflow.lib.{name}" for name in found} == files - unhashed


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("workflow", exclude_type_checking_imports=True, cache_dir=None)


@pytest.mark.thorough
def test_an_edit_of_any_function_changes_the_hash_of_its_module(tmp_path):
    edited = 0
    for path in sorted((ROOT / "workflow/lib").rglob("*.py")):
        whole = ast.parse(path.read_text())
        before = repr(code_hash._plain(whole))
        for node in ast.walk(whole):
            if isinstance(node, ast.FunctionDef | ast.Lambda):
                kept, node.body = node.body, [ast.Pass()] if node.body == [] else ast.Constant(1)
                assert repr(code_hash._plain(whole)) != before, f"{path}: {node}"
                node.body, edited = kept, edited + 1
    assert edited > 500


def test_an_edit_reruns_the_rules_that_reach_it_and_no_others(tree):
    first = hashes()
    module = tree / "workflow/lib/similarity/retrieval.py"
    module.write_text(module.read_text() + "\nADDED = 1\n")
    changed = {script for script, found in hashes().items() if found != first[script]}
    retrieval = {"measure_retrieval", "compare_retrieval", "compare_votes"}
    assert changed == {*retrieval, "compare_planes"}


def test_the_script_itself_counts(tree):
    first = hashes()
    (path,) = (tree / "scripts").rglob("write_shard.py")
    path.write_text(path.read_text().replace("write_shard(", "write_shard(*[], "))
    changed = {script for script, found in hashes().items() if found != first[script]}
    assert changed == {"write_shard"}


@pytest.mark.thorough
def test_the_cached_hash_and_imports_of_a_file_equal_those_from_parsing_it(tree):
    first = hashes()
    assert code_hash.REMEMBERED.stat().st_size > 1000
    assert hashes() == first
    code_hash.REMEMBERED.write_text("damaged")
    assert hashes() == first
    code_hash.REMEMBERED.unlink()
    code_hash.REMEMBERED.mkdir()  # nothing can be written there
    assert hashes() == first


@pytest.mark.thorough
def test_rewording_every_docstring_and_comment_changes_no_hash(tree):
    first, reworded = hashes(), 0
    for path in [*(tree / "workflow/lib").rglob("*.py"), *(tree / "scripts").rglob("*.py")]:
        lines = [
            f"{line}  # reworded" if line == "" else line for line in path.read_text().split("\n")
        ]
        for node in ast.walk(ast.parse(path.read_text())):
            if code_hash._is_docstring(node):
                indent = " " * node.col_offset
                lines[node.lineno - 1 : node.end_lineno] = [
                    f'{indent}"""Other words."""',
                    *([f"{indent}# and a comment"] * (node.end_lineno - node.lineno)),
                ]
                reworded += 1
        path.write_text("# A new comment.\n\n" + "\n".join(lines))
    assert reworded > 600
    assert hashes() == first


def test_imports_inside_functions_count_but_not_those_for_types_only():
    assert "sources.sky.render" in code_hash.modules("cutouts.image_sources")
    assert "finetune.compiled_training" in code_hash.modules("finetune.network")
    assert "cutouts.image_sources" not in code_hash.modules("cutouts.shards")


def test_images_of_a_real_survey_do_not_depend_on_the_simulated_sky(tree):
    def real():
        hashes()  # reads all files again
        return code_hash.script_digest("fetch_cutouts", without=("sources.sky.render",))

    first = real()
    render = tree / "workflow/lib/sources/sky/light.py"
    render.write_text(render.read_text() + "\nADDED = 1\n")
    assert real() == first
    assert hashes()["fetch_cutouts"] != first

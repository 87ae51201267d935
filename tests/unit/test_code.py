import shutil
import subprocess
import sys
from pathlib import Path

from workflow.lib.code import modules

LIB = Path(__file__).parents[2] / "workflow/lib"


def test_a_module_comes_with_all_that_it_imports():
    assert modules("project") == {"draws", "project", "representation", "tables"}
    assert {"images", "sky.population", "sky.render", "sky.light"} <= modules("sky.survey")


def test_what_is_imported_inside_functions_or_for_types_alone_is_left_to_the_rule():
    assert not any(name.startswith("sky") for name in modules("sources"))
    assert "sources" not in modules("figures")


def test_a_hash_is_of_the_bytes_of_a_module_and_of_what_it_imports(tmp_path):
    lib = shutil.copytree(LIB, tmp_path / "workflow/lib")
    code = "from workflow.lib.code import digest as of; print(of('project'), of('project', 'tags'))"

    def hashes():
        # A process looks at the files once.
        return subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path).split()

    def edit(name):
        path = lib / f"{name}.py"
        path.write_text(path.read_text() + "# edited\n")

    first = hashes()
    (lib / "tables.py").touch()
    edit("figures")
    edit("files")  # plumbing
    assert hashes() == first
    edit("tags")
    second = hashes()
    assert (second[0] == first[0], second[1] == first[1]) == (True, False)
    edit("tables")
    assert not {*hashes()} & {*first, *second}

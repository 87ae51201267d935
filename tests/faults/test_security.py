"""SECURITY.md: each of its lines is held by a test; here are those that are nowhere else."""

import ast
import os
import pickle
import re
import sys
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import ROOT
from workflow.app import __main__ as start
from workflow.app.text import label
from workflow.lib.common.errors import FetchError, UserError
from workflow.lib.common.tables import read_table
from workflow.lib.figures.html import Cell, html_table
from workflow.lib.finetune.classifier_files import read_classifier
from workflow.lib.network.encoder import load_head
from workflow.lib.network.unfinished import load_arrays
from workflow.lib.planning.config import read_config
from workflow.lib.represent.pca import read_compressor

PAGE = (ROOT / "SECURITY.md").read_text()
SOURCES = [path for folder in ("workflow", "scripts") for path in (ROOT / folder).rglob("*.py")]


def test_every_line_of_security_md_is_held_by_a_test():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")][1:]
    assert all("`test_" in row.split("|")[3] for row in rows)
    defined = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert [name for name in named if f"def {name}(" not in defined] == []


MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "tarfile", "xml"}
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {
    "load_model", "model_from_json", "from_config", "extractall", "read_pickle", "unsafe_load",
    "full_load", "system", "popen",
}  # fmt: skip
OPTIONS = {"allow_pickle", "shell", "unsafe_allow_html", "unsafe_allow_javascript"}


def ways_to_run_data(tree):
    """List what in a module could run data, or unpack it onto the disk."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (one.name for one in names if one.name.split(".")[0] in MODULES)
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in MODULES:
                yield module
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                yield name
            case ast.Attribute(attr=name) if name in METHODS:
                yield name
            case ast.keyword(arg=name, value=ast.Constant(value=value)) if name in OPTIONS:
                yield from [name] * bool(value)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="yaml"), attr="load"), args=args):
                yield from ["yaml.load"] * (ast.unparse(args[1]) not in ("LOADER", "_Loader"))


def test_the_code_has_no_way_to_run_data():
    found = {path: [*ways_to_run_data(ast.parse(path.read_text()))] for path in SOURCES}
    assert len(found) > 100
    assert {str(path): ways for path, ways in found.items() if ways} == {}


class Payload:
    """An object that makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("read", [load_head, read_compressor, read_classifier, load_arrays])
def test_a_numpy_file_with_an_object_is_refused(tmp_path, read):
    names = ["kind", "mean", "components", "kernel"]
    made = np.array([Payload(tmp_path / "made")], dtype=object)
    np.savez(tmp_path / "a.npz", **dict.fromkeys(names, made))
    with pytest.raises((UserError, ValueError), match="allow_pickle=False"):
        read(tmp_path / "a.npz")
    assert not (tmp_path / "made").exists()


def test_a_type_of_python_in_parquet_is_not_made(tmp_path):
    metadata = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": pickle.dumps(Payload(tmp_path / "made")),
    }
    schema = pa.schema([pa.field("ra", pa.float64(), metadata=metadata)])
    pq.write_table(pa.table({"ra": [1.5]}, schema), tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet")["ra"].tolist() == [1.5]
    assert not (tmp_path / "made").exists()


def test_the_page_is_for_this_machine_and_limits_uploads(monkeypatch):
    config = read_config([])
    monkeypatch.setattr(
        start, "open_survey", lambda *_: SimpleNamespace(config=config, given="a table")
    )
    monkeypatch.setattr(start, "warm_up", lambda _: None)
    monkeypatch.setattr(start.cli, "main", lambda: 0)
    monkeypatch.setattr(sys, "argv", ["workflow.app"])
    with pytest.raises(SystemExit):
        start.main()
    assert {
        "--server.address=127.0.0.1",
        "--server.allowedHosts=127.0.0.1",
        "--server.allowedHosts=localhost",
        f"--server.maxUploadSize={config['page']['upload']}",
        "--client.showErrorDetails=none",
    } <= {*sys.argv}


@pytest.mark.parametrize("text", ["petro_theta [arcsec]", "mag_r", "disk-edge-on_no_fraction"])
def test_a_usual_label_is_not_changed(text):
    assert label(text) == text


@pytest.mark.parametrize(
    "text",
    ["![x](http://198.51.100.7/x.png)", "[a](javascript:b)", "<b>", "**a**", "`a`", ":red[a]"],
)
def test_a_label_has_no_active_markdown(text):
    assert not re.search(r"[<>!*`:$\[(]", re.sub(r"\\.", "", label(text)))


def test_tables_of_a_report_are_escaped():
    page = html_table(["<script>"], [[[Cell("<img src=x onerror=a>"), Cell("&", best=True)]]])
    assert "<script>" not in page
    assert "<img" not in page
    assert "<b>&amp;</b>" in page


def test_an_error_has_no_codes_for_the_terminal():
    hostile = "a\x1b[31mb\r\nc\u202ed\x07"
    for error in (UserError(hostile), FetchError("not-found", hostile)):
        assert str(error).isprintable()

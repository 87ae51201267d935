"""Tables as web pages, which the report shows beside the figures.

Written without pandas' Styler, which puts all rows into one `tbody`, so that groups of rows have no
line between them, and needs jinja2, a further package for two environments.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from workflow.lib.common.files import write_text

STYLE = """
body { font: 14px sans-serif; margin: 2em; color: #222; background: #fff; }
table { border-collapse: collapse; margin-bottom: 2em; }
th, td { padding: 0.25em 0.9em; text-align: left; white-space: nowrap; }
th { position: sticky; top: 0; background: #fff; border-bottom: 2px solid #222; }
tbody + tbody { border-top: 1px solid #999; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
"""


class Cell(NamedTuple):
    """Contents of a table cell."""

    text: str
    best: bool = False
    """Whether it is shown bold."""


def show_tables(tables: Mapping[str, str | Path], title: str, page: str | Path) -> None:
    """Write tables as one self-contained web page.

    Parameters
    ----------
    tables
        For each heading, a CSV file, or a JSON file with a list of rows.
    title
        Title of the page.
    page
        HTML to write.
    """
    parts = []
    for heading, path in tables.items():
        path = Path(path)
        frame = (
            # Whole numbers stay whole in columns that only some rows have.
            pd.DataFrame(json.loads(path.read_text())).convert_dtypes()
            if path.suffix == ".json"
            else pd.read_csv(path)
        )
        rows = [[Cell(_text(value)) for value in row] for row in frame.itertuples(index=False)]
        parts += [f"<h2>{escape(heading)}</h2>", html_table(list(frame), [rows])]
    write_page(title, parts, page)


def write_page(title: str, parts: Iterable[str], page: str | Path, style: str = "") -> None:
    """Write pieces of HTML as a web page that needs no other files; `style` is further CSS."""
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}{style}</style>'
    body = "\n".join([f"<h1>{escape(title)}</h1>", *parts])
    write_text(f'<!doctype html>\n<html lang="en">\n{head}\n{body}\n</html>\n', page)


def html_table(head: Sequence[str], groups: Iterable[Sequence[Sequence[Cell]]]) -> str:
    """Format a table as HTML: a head, and groups of rows with a line between groups."""
    lines = ["<table>", f"<thead>{_row('th', map(Cell, head))}</thead>"]
    for rows in groups:
        lines += ["<tbody>", *(_row("td", row) for row in rows), "</tbody>"]
    return "\n".join([*lines, "</table>"])


def _row(tag: str, cells: Iterable[Cell]) -> str:
    return f"<tr>{''.join(_cell(tag, cell) for cell in cells)}</tr>"


def _cell(tag: str, cell: Cell) -> str:
    text = escape(cell.text)
    if cell.best:
        text = f"<b>{text}</b>"
    number = cell.text[:1].isdigit() or cell.text[:1] == "-"
    return f'<{tag} class="number">{text}</{tag}>' if number else f"<{tag}>{text}</{tag}>"


def _text(value: Any) -> str:
    if isinstance(value, str | bool | np.bool_):
        return str(value)
    if pd.isna(value):
        return ""
    return f"{value:,}" if isinstance(value, int | np.integer) else f"{value:.4g}"

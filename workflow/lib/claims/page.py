"""The page of the paper's claims: a table that can be sorted and filtered, without a network."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from workflow.lib.claims.verdicts import VERDICTS
from workflow.lib.figures.html import write_page

TITLE = "The paper's claims beside ours"

HEADS = [
    "Section", "Kind", "Claim", "Paper", "Ours", "Difference", "Sure", "Verdict", "Why",
    "Read from",
]  # fmt: skip

FILTERS = {"section": "Section", "kind": "Kind", "verdict": "Verdict"}
"""The columns that have a filter, with its label."""

STYLE = """
body { margin: 1em; }
table { width: 100%; table-layout: fixed; min-width: 70em; }
th:nth-child(3) { width: 22%; }
th:nth-child(6) { width: 6.5em; }
th:nth-child(8) { width: 7.5em; }
th:nth-child(9) { width: 18%; }
th:nth-child(10) { width: 20%; }
caption { text-align: left; padding: 0.5em 0; }
th, td { padding: 0.3em 0.5em; white-space: normal; vertical-align: top; }
td { border-bottom: 1px solid #ddd; }
th { padding: 0; }
th button { all: unset; cursor: pointer; font-weight: bold; padding: 0.3em 0.5em; }
th button:focus-visible, select:focus-visible, a:focus-visible { outline: 3px solid #0072b2; }
th[aria-sort=ascending] button::after { content: " \\25b2"; }
th[aria-sort=descending] button::after { content: " \\25bc"; }
td { overflow-wrap: anywhere; }
td.number { white-space: normal; }
.verdict { white-space: nowrap; }
.agrees { border-left: 0.5em solid #0072b2; }
.differs { border-left: 0.5em solid #d55e00; font-weight: bold; }
.not-testable, .no-verdict { border-left: 0.5em solid #ccc; }
label { margin-right: 1.5em; }
a { color: #00527a; }
"""

SCRIPT = """
const body = document.querySelector("tbody");
const rows = [...body.rows];
const selects = [...document.querySelectorAll("select")];
const count = document.querySelector("[role=status]");
function filter() {
  for (const row of rows)
    row.hidden = selects.some(one => one.value && row.dataset[one.name] !== one.value);
  count.textContent = `${rows.filter(row => !row.hidden).length} of ${rows.length} claims shown`;
}
function sort(head) {
  const up = head.ariaSort !== "ascending", column = head.cellIndex;
  for (const other of head.parentNode.cells) other.ariaSort = "none";
  head.ariaSort = up ? "ascending" : "descending";
  const key = row => row.cells[column].dataset.key ?? row.cells[column].textContent;
  const compare = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === "" || y === "") return (x === "") - (y === "");  // empty cells come last
    const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
    return up ? order : -order;
  };
  body.append(...rows.sort(compare));
}
for (const select of selects) select.addEventListener("change", filter);
for (const head of document.querySelectorAll("th"))
  head.querySelector("button").addEventListener("click", () => sort(head));
// In Snakemake's report the page is apart from the results.
if (window.parent !== window)
  for (const link of document.querySelectorAll("td a")) link.replaceWith(link.textContent);
filter();
"""


def write_claims_page(
    found: pd.DataFrame,
    notes: Sequence[str],
    figures: Mapping[str, str],
    made: Collection[str],
    page: str | Path,
) -> None:
    """Write all claims as one self-contained web page.

    Parameters
    ----------
    found
        With the columns `compare.COLUMNS`.
    notes
        What the reader must know about the galaxies and the encoder.
    figures
        Path of each figure and table that this run makes, relative to the results.
    made
        The claims' files that this run makes, relative to the results.
    page
        HTML to write, in a folder of the results' folder: links go to the folder above.
    """
    rows = found.to_dict("records")
    parts = [
        *(f"<p><strong>{escape(note)}</strong></p>" for note in notes),
        "<p>Click a column's head to sort by it. docs/claims.md explains the columns.</p>",
        f"<form>{''.join(_filter(name, label, rows) for name, label in FILTERS.items())}</form>",
        '<p role="status"></p>',
        "<table><caption>Every number, ordering and statement of the paper about its data and "
        "results</caption>",
        f"<thead><tr>{''.join(map(_head, HEADS))}</tr></thead>",
        "<tbody>",
        *(_row(place, row, figures, made) for place, row in enumerate(rows)),
        f"</tbody></table><script>{SCRIPT}</script>",
    ]
    write_page(TITLE, ["<main>", *parts, "</main>"], page, STYLE)


def _filter(name: str, label: str, rows: Iterable[Mapping[str, Any]]) -> str:
    there = dict.fromkeys(row[name] for row in rows)
    values = [value for value in VERDICTS if value in there] if name == "verdict" else [*there]
    options = "".join(f"<option>{escape(value)}</option>" for value in values)
    options = f'<option value="">all</option>{options}'
    return f'<label>{label} <select name="{name}">{options}</select></label>'


def _head(name: str) -> str:
    return f'<th scope="col" aria-sort="none"><button type="button">{name}</button></th>'


def _row(
    place: int, row: Mapping[str, Any], figures: Mapping[str, str], made: Collection[str]
) -> str:
    shown = {name: "" if pd.isna(value) else value for name, value in row.items()}
    mark = str(shown["verdict"]).replace(" ", "-")
    cells = [
        _cell(shown["section"], key=place),
        _cell(shown["kind"]),
        _cell(shown["claim"]),
        _number(_with_error(shown["paper"], shown["uncertainty"], shown["unit"]), shown["paper"]),
        _number(_ours(shown), shown["ours"]),
        _number(_short(shown["difference"]), shown["difference"]),
        _number(_sure(shown), shown["sure"]),
        _cell(shown["verdict"], f"verdict {mark}"),
        _cell(shown["why"]),
        f"<td>{_sources(shown, figures, made)}</td>",
    ]
    data = "".join(f' data-{name}="{escape(str(shown[name]))}"' for name in FILTERS)
    return f'<tr id="{escape(shown["id"])}"{data}>{"".join(cells)}</tr>'


def _cell(text: Any, name: str = "", key: Any = None) -> str:
    kind = f' class="{name}"' if name else ""
    order = "" if key is None else f' data-key="{escape(str(key))}"'
    return f"<td{kind}{order}>{escape(str(text))}</td>"


def _number(text: str, key: Any) -> str:
    return _cell(text, "number", key)


def _ours(row: Mapping[str, Any]) -> str:
    if row["kind"] == "ordering":
        if row["ours"] == "":
            return ""
        sign = ">" if row["difference"] > 0 else "=" if row["difference"] == 0 else "<"
        return f"{_short(row['ours'])} {sign} {_short(row['other'])}"
    return _with_error(row["ours"], row["ours_uncertainty"], row["unit"])


def _with_error(value: Any, error: Any, unit: Any) -> str:
    if value == "":
        return ""
    text = _short(value) + (f" ± {_short(error)}" if error != "" else "")
    return f"{text} {unit}".strip()


def _sure(row: Mapping[str, Any]) -> str:
    return "" if row["sure"] == "" else f"{row['sure']:.0%} ({row['repeats']} repeats)"


def _short(value: Any) -> str:
    try:
        number = float(value)
    except ValueError:
        return str(value)
    whole = number == round(number) and abs(number) < 1e15
    return f"{number:,.0f}" if whole else f"{number:.3g}"


def _sources(row: Mapping[str, Any], figures: Mapping[str, str], made: Collection[str]) -> str:
    """Link the file that ours is read from, and the figure that shows it."""
    parts = []
    if row["file"] in made:
        parts.append(_link(row["file"], row["file"]))
    elif row["file"]:
        parts.append(f"<code>{escape(row['file'])}</code>")
    if row["expression"]:
        parts.append(f"<code>{escape(row['expression'])}</code>")
    if row["figure"] in figures:
        parts.append(_link(figures[row["figure"]], row["figure"].replace("_", " ")))
    return "<br>".join(parts)


def _link(path: str, text: str) -> str:
    return f'<a href="../{escape(path)}">{escape(text)}</a>'

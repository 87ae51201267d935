"""The file of a user's ratings. Lines are only ever appended, so that a crash loses nothing.

Each line is JSON. The first names what is rated, each further line is an event::

    {"survey": "decals", "pretraining": "all", "components": 40}
    {"shown": ["J000000.00+000000.0", "J000000.00+000001.0"]}
    {"galaxy": "J000000.00+000000.0", "rating": 3, "at": "2022-01-31T12:00:00+00:00"}
    {"galaxy": "J000000.00+000001.0", "rating": null, "at": "2022-01-31T12:00:02+00:00"}
    {"undo": "J000000.00+000001.0"}
    {"changed": "J000000.00+000000.0", "rating": 4, "at": "2022-01-31T12:00:05+00:00"}

A rating of null means that the galaxy was skipped. An undo removes the last answer, and the batches
that were shown after it. A change replaces an earlier answer, which keeps its place.
"""

import fcntl
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from workflow.lib.anomaly.active_learning import HIGHEST
from workflow.lib.common.errors import UserError


class Answer(NamedTuple):
    """A user's answer for a galaxy."""

    iauname: str
    rating: int | None
    """0 to `active_learning.HIGHEST`; None if the galaxy was skipped."""
    batch: int
    """Index of the batch in which it was shown."""
    at: str
    """Time of the answer, in ISO 8601."""


class History(NamedTuple):
    """The batches shown and the answers given, in order.

    It is immutable: each event returns a new history. The methods raise `ValueError` if an event
    cannot follow this history.
    """

    batches: tuple[tuple[str, ...], ...] = ()
    answers: tuple[Answer, ...] = ()

    @property
    def waiting(self) -> tuple[str, ...]:
        """Galaxies of the last batch that have no answer yet."""
        answered = {answer.iauname for answer in self.answers}
        return tuple(name for batch in self.batches[-1:] for name in batch if name not in answered)

    @property
    def rated(self) -> tuple[Answer, ...]:
        """The answers that are ratings, without skipped galaxies."""
        return tuple(answer for answer in self.answers if answer.rating is not None)

    @property
    def shown(self) -> frozenset[str]:
        """All galaxies of all batches."""
        return frozenset().union(*self.batches)

    def show(self, iaunames: Sequence[str]) -> Self:
        """Show a batch; every galaxy of the batch before must have an answer."""
        if self.waiting:
            raise ValueError(f"{self.waiting[0]} has no answer yet")
        if not iaunames or len(self.shown.union(iaunames)) < len(self.shown) + len(iaunames):
            raise ValueError("the batch is empty, or has a galaxy that was shown before")
        return self._replace(batches=(*self.batches, tuple(iaunames)))

    def answer(self, iauname: str, rating: int | None, at: str) -> Self:
        """Rate or skip a galaxy that is waiting for an answer."""
        if iauname not in self.waiting:
            raise ValueError(f"{iauname} is not waiting for an answer")
        answer = Answer(iauname, _checked(rating), len(self.batches) - 1, at)
        return self._replace(answers=(*self.answers, answer))

    def change(self, iauname: str, rating: int | None, at: str) -> Self:
        """Change the answer for a galaxy that has one; it keeps its place and its batch."""
        if iauname not in {answer.iauname for answer in self.answers}:
            raise ValueError(f"{iauname} has no answer that could be changed")
        changed = {"rating": _checked(rating), "at": at}
        return self._replace(
            answers=tuple(
                answer._replace(**changed) if answer.iauname == iauname else answer
                for answer in self.answers
            )
        )

    def undo(self, iauname: str) -> Self:
        """Undo the last answer, which must be for this galaxy."""
        if not self.answers or self.answers[-1].iauname != iauname:
            raise ValueError(f"{iauname} was not answered last")
        return self._replace(
            batches=self.batches[: self.answers[-1].batch + 1], answers=self.answers[:-1]
        )

    def after(self, event: Any) -> Self:
        """Return the history after an event from the file."""
        match event:
            case {"shown": [*iaunames]} if all(isinstance(name, str) for name in iaunames):
                return self.show(iaunames)
            case {"galaxy": str(iauname), "rating": rating, "at": str(at)}:
                return self.answer(iauname, rating, at)
            case {"undo": str(iauname)}:
                return self.undo(iauname)
            case {"changed": str(iauname), "rating": rating, "at": str(at)}:
                return self.change(iauname, rating, at)
        raise ValueError("neither a batch, an answer, a change nor an undo")


class Subject(NamedTuple):
    """What is rated: a survey's galaxies, and the representation that the model learns from."""

    survey: str
    pretraining: str
    components: int


class RatingFile:
    """A file of ratings, locked for exclusive use.

    Each line is flushed to disk before it takes effect.

    Parameters
    ----------
    path
        Path of the file.
    subject
        If given, a file is started with it if it does not exist, is empty, or has only a beginning
        of this line.

    Attributes
    ----------
    subject : Subject
        What is rated, from the first line.
    history : History
        All batches and answers so far.
    dropped : str
        The last line if it was incomplete (after a crash) and was removed; otherwise empty. Nothing
        is removed from a file before all its other lines are known to be ratings.

    Raises
    ------
    UserError
        If the file cannot be opened, is damaged, or is open in another program.
    """

    def __init__(self, path: str | Path, subject: Subject | None = None) -> None:
        self.path = Path(path)
        try:
            self._file = self._open(begin=subject is not None)
        except OSError as error:
            raise UserError(f"{self.path}: cannot be opened ({error.strerror})") from error
        try:
            self._lock()
            lines, half = self._read()
            first = "" if subject is None else json.dumps(subject._asdict(), ensure_ascii=False)
            starts = subject is not None and not lines and first.startswith(half)
            self.subject, self.history = self._parse([first] if starts else lines or [half])
            self.dropped = self._end_line(half) if lines or starts else ""
            if starts:
                self._write(subject._asdict())
            elif not lines:
                self._append(b"\n")
        except BaseException:
            self.close()
            raise

    @property
    def removed(self) -> bool:
        """Whether the file was removed, moved or replaced after it was opened."""
        try:
            return not os.path.samestat(os.fstat(self._file), self.path.stat())
        except OSError:
            return True

    def close(self) -> None:
        """Close the file, which releases its lock."""
        os.close(self._file)

    def show(self, iaunames: Sequence[str]) -> None:
        """Record that a batch is shown."""
        self._record({"shown": list(iaunames)})

    def answer(self, iauname: str, rating: int | None) -> None:
        """Record the rating of a galaxy; None if it is skipped."""
        self._record({"galaxy": iauname, "rating": rating, "at": _now()})

    def change(self, iauname: str, rating: int | None) -> None:
        """Record that the answer for a galaxy is changed."""
        self._record({"changed": iauname, "rating": rating, "at": _now()})

    def undo(self, iauname: str) -> None:
        """Record that the last answer, which must be for this galaxy, is undone."""
        self._record({"undo": iauname})

    def _record(self, event: Mapping[str, Any]) -> None:
        after = self.history.after(event)
        self._write(event)
        self.history = after

    def _open(self, *, begin: bool) -> int:
        if not begin:
            return os.open(self.path, os.O_RDWR | os.O_APPEND)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        # The folder is flushed too, so that the file's name survives a crash.
        folder = os.open(self.path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        return file

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"{self.path}: open in another program; close that first") from error
        except OSError as error:
            raise UserError(
                f"{self.path}: its file system cannot lock files ({error.strerror}); set "
                "hunt.folder to a folder on one that can"
            ) from error

    def _read(self) -> tuple[list[str], str]:
        """Return the lines, and the last one if it has no end; change nothing."""
        content = os.pread(self._file, os.fstat(self._file).st_size, 0)
        whole, end, half = content.rpartition(b"\n")
        lines = whole.decode(errors="replace").split("\n") if end else []
        return lines, half.decode(errors="replace")

    def _end_line(self, half: str) -> str:
        """End the last line if it is an event, else remove it; return what was removed.

        An editor may have left out the end of a complete line, a crash its second half.
        """
        if not half:
            return ""
        try:
            self.history = self.history.after(_parse_json(half))
        except ValueError:
            content = os.pread(self._file, os.fstat(self._file).st_size, 0)
            os.ftruncate(self._file, content.rfind(b"\n") + 1)
            os.fsync(self._file)
            return half
        self._append(b"\n")
        return ""

    def _parse(self, lines: Sequence[str]) -> tuple[Subject, History]:
        """Parse the lines; the error names the first one that is invalid."""
        subject, history = None, History()
        for number, line in enumerate(lines or ["{}"], 1):
            try:
                event = _parse_json(line)
                if subject is None:
                    subject = _parse_subject(event)
                else:
                    history = history.after(event)
            except ValueError as error:
                raise UserError(
                    f"{self.path}, line {number}: damaged ({error}); repair or remove the line"
                ) from error
        return subject, history

    def _write(self, event: Mapping[str, Any]) -> None:
        """Append a line, completely or not at all, and flush it to disk."""
        if self.removed:
            raise UserError(
                f"{self.path}: removed, moved or replaced while open; open the hunt again"
            )
        self._append(json.dumps(event, ensure_ascii=False).encode() + b"\n")

    def _append(self, line: bytes) -> None:
        size = os.fstat(self._file).st_size
        try:
            while line:
                line = line[os.write(self._file, line) :]
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, size)
            raise UserError(f"{self.path}: cannot be written ({error.strerror})") from error


def _checked(rating: Any) -> int | None:
    if rating is not None and (type(rating) is not int or not 0 <= rating <= HIGHEST):
        raise ValueError(f"a rating is an integer from 0 to {HIGHEST}, not {rating}")
    return rating


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _parse_json(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise ValueError("not JSON") from error


def _parse_subject(event: Any) -> Subject:
    match event:
        case {"survey": str(survey), "pretraining": str(made), "components": int(components)}:
            return Subject(survey, made, components)
    raise ValueError("does not name the survey, pretraining and components")

"""What a person says of galaxies: a file that only grows, so that a crash loses nothing.

Each line is JSON. The first says what is rated, each further one what happened::

    {"survey": "decals", "pretraining": "all", "components": 40}
    {"shown": ["J000000.00+000000.0", "J000000.00+000001.0"]}
    {"galaxy": "J000000.00+000000.0", "rating": 3, "at": "2022-01-31T12:00:00+00:00"}
    {"galaxy": "J000000.00+000001.0", "rating": null, "at": "2022-01-31T12:00:02+00:00"}
    {"undo": "J000000.00+000001.0"}

A rating of null: the galaxy is skipped. To undo takes back the last answer, and the batches that
were shown after it.
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
    """What was said of a galaxy."""

    iauname: str
    rating: int | None
    """0 to `active_learning.HIGHEST`; None if the galaxy was skipped."""
    batch: int
    """Index of the batch in which it was shown."""
    at: str
    """When, in ISO 8601."""


class History(NamedTuple):
    """What was shown and answered, in order. It never changes; each event gives another one.

    Its methods raise `ValueError` if what they are told cannot have happened.
    """

    batches: tuple[tuple[str, ...], ...] = ()
    answers: tuple[Answer, ...] = ()

    @property
    def waiting(self) -> tuple[str, ...]:
        """Galaxies that are shown and have no answer."""
        answered = {answer.iauname for answer in self.answers}
        return tuple(name for batch in self.batches[-1:] for name in batch if name not in answered)

    @property
    def rated(self) -> tuple[Answer, ...]:
        """The answers that are ratings."""
        return tuple(answer for answer in self.answers if answer.rating is not None)

    @property
    def shown(self) -> frozenset[str]:
        """All galaxies of all batches."""
        return frozenset().union(*self.batches)

    def show(self, iaunames: Sequence[str]) -> Self:
        """Show a batch, once all of the one before have an answer."""
        if self.waiting:
            raise ValueError(f"{self.waiting[0]} has no answer yet")
        if not iaunames or len(self.shown.union(iaunames)) < len(self.shown) + len(iaunames):
            raise ValueError("a batch that is empty, or with a galaxy that was shown before")
        return self._replace(batches=(*self.batches, tuple(iaunames)))

    def answer(self, iauname: str, rating: int | None, at: str) -> Self:
        """Rate a galaxy that waits, or skip it."""
        if iauname not in self.waiting:
            raise ValueError(f"{iauname} does not wait for an answer")
        if rating is not None and (type(rating) is not int or not 0 <= rating <= HIGHEST):
            raise ValueError(f"a rating is 0 to {HIGHEST}, not {rating}")
        answer = Answer(iauname, rating, len(self.batches) - 1, at)
        return self._replace(answers=(*self.answers, answer))

    def undo(self, iauname: str) -> Self:
        """Take back the last answer, which is of this galaxy."""
        if not self.answers or self.answers[-1].iauname != iauname:
            raise ValueError(f"{iauname} was not answered last")
        return self._replace(
            batches=self.batches[: self.answers[-1].batch + 1], answers=self.answers[:-1]
        )

    def after(self, event: Any) -> Self:
        """Give the history after an event, as the file holds it."""
        match event:
            case {"shown": [*iaunames]} if all(isinstance(name, str) for name in iaunames):
                return self.show(iaunames)
            case {"galaxy": str(iauname), "rating": rating, "at": str(at)}:
                return self.answer(iauname, rating, at)
            case {"undo": str(iauname)}:
                return self.undo(iauname)
        raise ValueError("neither a batch nor an answer")


class Subject(NamedTuple):
    """What is rated: galaxies of a survey, and the representation that the model learns from."""

    survey: str
    pretraining: str
    components: int


class RatingFile:
    """A file of ratings. Who has it open is the only one; a line is on the disk before it counts.

    Parameters
    ----------
    path
        Of the file.
    subject
        Given, a file that does not exist or is empty is begun with it.

    Attributes
    ----------
    subject : Subject
        As the file says.
    history : History
        All that has happened.
    dropped : str
        The last line, if a crash left it half written and it was taken off; as a rule empty.

    Raises
    ------
    UserError
        If the file cannot be opened or is damaged, or somebody else has it open.
    """

    def __init__(self, path: str | Path, subject: Subject | None = None) -> None:
        self.path = Path(path)
        try:
            self._file = self._open(begin=subject is not None)
        except OSError as error:
            raise UserError(f"{self.path}: cannot be opened ({error.strerror})") from error
        try:
            self._lock()
            lines, self.dropped = self._read()
            if not lines and subject is not None:
                self._write(subject._asdict())
                lines = [json.dumps(subject._asdict())]
            self.subject, self.history = self._parse(lines)
        except BaseException:
            self.close()
            raise

    @property
    def removed(self) -> bool:
        """Whether somebody removed or replaced the file since it was opened."""
        return not os.fstat(self._file).st_nlink

    def close(self) -> None:
        """Let others open the file."""
        os.close(self._file)

    def show(self, iaunames: Sequence[str]) -> None:
        """Note that a batch is shown."""
        self._happen({"shown": list(iaunames)})

    def answer(self, iauname: str, rating: int | None) -> None:
        """Note the rating of a galaxy; None for one that is skipped."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self._happen({"galaxy": iauname, "rating": rating, "at": now})

    def undo(self, iauname: str) -> None:
        """Note that the last answer, which is of this galaxy, is taken back."""
        self._happen({"undo": iauname})

    def _happen(self, event: Mapping[str, Any]) -> None:
        after = self.history.after(event)
        self._write(event)
        self.history = after

    def _open(self, *, begin: bool) -> int:
        if not begin:
            return os.open(self.path, os.O_RDWR | os.O_APPEND)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        # The file's name, too, must survive a crash.
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
                f"{self.path}: its disk cannot lock files ({error.strerror}); set hunt.folder to "
                "one that can"
            ) from error

    def _read(self) -> tuple[list[str], str]:
        """Give the whole lines; take off a half written one, and give it too."""
        content = os.pread(self._file, os.fstat(self._file).st_size, 0)
        whole, end, half = content.rpartition(b"\n")
        if half:
            os.ftruncate(self._file, len(whole + end))
            os.fsync(self._file)
        lines = whole.decode(errors="replace").split("\n") if end else []
        return lines, half.decode(errors="replace")

    def _parse(self, lines: Sequence[str]) -> tuple[Subject, History]:
        """Understand the lines, and say which one cannot be."""
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
                    f"{self.path}, line {number}: damaged ({error}); mend or remove the line"
                ) from error
        return subject, history

    def _write(self, event: Mapping[str, Any]) -> None:
        """Write a line, whole or not at all, and see it safely on the disk."""
        if self.removed:
            raise UserError(f"{self.path}: removed or replaced while open; open it anew")
        size = os.fstat(self._file).st_size
        line = json.dumps(event, ensure_ascii=False).encode() + b"\n"
        try:
            while line:
                line = line[os.write(self._file, line) :]
            os.fsync(self._file)
        except OSError as error:
            os.ftruncate(self._file, size)
            raise UserError(f"{self.path}: cannot be written ({error.strerror})") from error


def _parse_json(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise ValueError("not JSON") from error


def _parse_subject(event: Any) -> Subject:
    match event:
        case {"survey": str(survey), "pretraining": str(made), "components": int(components)}:
            return Subject(survey, made, components)
    raise ValueError("does not say what is rated")

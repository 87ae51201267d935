"""Hunts: each rating is saved at once, and a model learns from the ratings in the background."""

import logging
import re
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from workflow.app.ratings import Answer, History, RatingFile, Subject
from workflow.app.survey import Galaxies, need, represented_folder
from workflow.lib.anomaly.active_learning import (
    GaussianProcessSettings,
    final_ranking,
    first_batch,
    next_step,
)
from workflow.lib.common.errors import UserError
from workflow.lib.planning.config import read_config
from workflow.lib.represent.standardise import standardise
from workflow.lib.represent.vector_files import read_representation

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
"""Names that a hunt may have; its file is named after it."""

SUBJECTS_HELD = 4
"""Number of subjects (a survey with a representation) that stay in memory."""

# One model at a time, since each uses all cores.
_models = ThreadPoolExecutor(1, "model")


class Learned(NamedTuple):
    """The model's predictions from the ratings so far."""

    ratings: tuple[Answer, ...]
    """The ratings that it has learned from."""
    interest: np.ndarray
    """Shape (n,), float32: the predicted rating of each galaxy."""

    @property
    def says_nothing(self) -> bool:
        """Whether all ratings were the same, so that the model predicts nothing else."""
        return len({answer.rating for answer in self.ratings}) < 2


class Hunt:
    """One user's hunt through the galaxies of a survey. Safe to use from several threads.

    Parameters
    ----------
    file
        The ratings. The hunt resumes after the last one.
    galaxies
        The n galaxies of the survey.
    vectors
        Shape (n, d), float32: features of each galaxy, from which the model predicts.
    settings, seed
        Settings and random seed of the model.

    Attributes
    ----------
    learned : Learned
        The latest predictions, which may be `outdated`; None until the model has learned from a
        rating.
    problem : str
        Why the model failed; empty if it did not.
    """

    def __init__(
        self,
        file: RatingFile,
        galaxies: Galaxies,
        vectors: np.ndarray,
        settings: GaussianProcessSettings,
        seed: int,
    ) -> None:
        self.file, self.galaxies = file, galaxies
        self.learned: Learned | None = None
        self.problem = ""
        self._vectors, self._settings, self._seed = vectors, settings, seed
        self._learning: Future[None] | None = None
        self._lock = threading.RLock()
        for iauname in sorted(self.history.shown):
            if galaxies.row(iauname) is None:
                raise UserError(f"{file.path}: {iauname} is not a galaxy of {galaxies.name}")
        with self._lock:
            self._update_model()

    @property
    def history(self) -> History:
        """The batches shown and the answers given so far."""
        return self.file.history

    @property
    def learning(self) -> bool:
        """Whether the model is running."""
        return self._learning is not None

    @property
    def outdated(self) -> bool:
        """Whether a rating that the model has learned from was undone or changed since."""
        return self.learned is not None and not _begins(self.history, self.learned.ratings)

    @property
    def finished(self) -> bool:
        """Whether every galaxy of the survey has an answer."""
        return not self.history.waiting and len(self.history.shown) == len(self.galaxies)

    def answer(self, iauname: str, rating: int | None) -> None:
        """Rate a galaxy, or skip it (None). The same answer again changes nothing.

        Raises
        ------
        UserError
            If the galaxy has another answer, as when two people rate in one hunt.
        """
        with self._lock:
            if iauname in self.history.waiting:
                self.file.answer(iauname, rating)
                self._update_model()
                return
            known = {answer.iauname: answer.rating for answer in self.history.answers}
            if known.get(iauname, rating) != rating:
                raise UserError(
                    f"{iauname}: your answer ({word(rating)}) was not saved, since another "
                    f"window rates in this hunt too and answered first ({word(known[iauname])}); "
                    "to rate together, let each person begin a hunt of their own"
                )

    def undo(self, iauname: str) -> None:
        """Undo the last answer if it is for this galaxy; otherwise do nothing."""
        with self._lock:
            if [answer.iauname for answer in self.history.answers[-1:]] == [iauname]:
                self.file.undo(iauname)
                self._update_model()

    def change(self, iauname: str, rating: int | None) -> None:
        """Change the answer for a galaxy, if it has one; the model then learns again.

        Raises
        ------
        UserError
            If the change cannot be saved.
        """
        with self._lock:
            known = {answer.iauname: answer.rating for answer in self.history.answers}
            if iauname in known and known[iauname] != rating:
                self.file.change(iauname, rating)
                self._update_model()

    def ranking(self, learned: Learned) -> np.ndarray:
        """Rank all galaxies, rated ones by their ratings: shape (n,), rows, the best first."""
        return final_ranking(learned.interest, *self._known(self.history))

    def _update_model(self) -> None:
        """Start the model if there are new ratings or a batch is needed, unless it is running."""
        history = self.history
        if not history.rated:
            self.learned = None
        behind = history.rated != (self.learned.ratings if self.learned else ())
        if history.waiting:
            # The model learns between batches; during one only if there are no predictions, as in a
            # resumed hunt, or if they are outdated.
            unusable = self.learned is None or self.outdated
            needed = behind and unusable and len(history.batches) > 1
        else:
            needed = behind or not self.finished
        if needed and self._learning is None:
            self.problem = ""
            self._learning = _models.submit(self._learn, history)

    def _learn(self, history: History) -> None:
        """Learn from a history, and show the next batch if the history has not changed since."""
        try:
            self._use(history, *self._step(history))
        except Exception as error:
            logging.getLogger(__name__).exception("The model of a hunt failed")
            with self._lock:
                self._learning = None
                known = isinstance(error, UserError)
                self.problem = (
                    str(error) if known else "the model failed; the terminal shows the error"
                )

    def _use(self, history: History, learned: Learned | None, batch: list[str]) -> None:
        """Keep predictions and show a batch, unless an undo has made them outdated."""
        with self._lock:
            if learned and _begins(self.history, learned.ratings):
                self.learned = learned
            if self.history == history and batch and not history.waiting:
                self.file.show(batch)
            self._learning = None
            self._update_model()

    def _step(self, history: History) -> tuple[Learned | None, list[str]]:
        """Return the model's predictions, and the galaxies to show next."""
        shown = [self.galaxies.row(iauname) for iauname in history.shown]
        rows, ratings = self._known(history)
        # Skipped galaxies can be chosen again: ask for as many more, and remove them below.
        count = self._settings.batch + len(shown) - len(rows)
        if len(rows):
            settings = replace(self._settings, batch=count)
            interest, best = next_step(self._vectors, rows, ratings, settings, self._seed)
            learned = Learned(history.rated, interest)
        else:
            total = len(self.galaxies)
            learned, best = None, first_batch(total, min(count, total), self._seed)
        batch = best[~np.isin(best, shown)][: self._settings.batch]
        return learned, [self.galaxies.iaunames[row] for row in batch]

    def _known(self, history: History) -> tuple[np.ndarray, np.ndarray]:
        """Return rows and ratings of the rated galaxies, both of shape (r,), int64."""
        rated = [(self.galaxies.row(answer.iauname), answer.rating) for answer in history.rated]
        rows, ratings = np.array(rated, np.int64).reshape(-1, 2).T
        return rows, ratings


def _begins(history: History, ratings: tuple[Answer, ...]) -> bool:
    """Return whether the ratings of a history begin with these."""
    return history.rated[: len(ratings)] == ratings


class Hunts:
    """The hunts of this server. Each is opened once and shared by all visitors.

    Parameters
    ----------
    config
        The whole configuration.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self._open: dict[Path, Hunt] = {}
        self._lock = threading.Lock()
        self._read = lru_cache(SUBJECTS_HELD)(self._read_subject)

    def subjects(self) -> list[Subject]:
        """List what can be rated, the configuration's defaults first."""
        shown = self.config["pretraining"]["shown"]
        components = self.config["anomalies"]["components"]
        found = [
            Subject(survey, path.parent.name, int(path.stem.removeprefix("pca")))
            for survey in self.config["surveys"]
            for path in represented_folder(self.config, survey).glob("*/pca*.parquet")
            if path.stem.removeprefix("pca").isdigit()
        ]
        first = self.config["figures"]["survey"]
        return sorted(
            found,
            key=lambda subject: (
                subject.survey != first,
                subject.survey,
                subject.pretraining != shown,
                subject.pretraining,
                subject.components != components,
                -subject.components,
            ),
        )

    def names(self, survey: str) -> list[str]:
        """List the names of the hunts in a survey, sorted."""
        files = (Path(self.config["hunt"]["folder"]) / survey).glob("*.jsonl")
        return sorted(file.stem for file in files if NAME.fullmatch(file.stem))

    def open(self, survey: str, name: str, subject: Subject | None = None) -> Hunt:
        """Open a hunt.

        Parameters
        ----------
        survey, name
            The survey, and the name of the hunt.
        subject
            If given, a hunt that does not exist is started with it.

        Raises
        ------
        UserError
            If the hunt does not exist and cannot be started, it began with another subject, or its
            files are damaged or missing.
        """
        if survey not in self.config["surveys"]:
            raise UserError(f"no survey has the name {survey!r}")
        if not NAME.fullmatch(name):
            raise UserError(
                f"a hunt cannot be named {name!r}: use up to 40 letters, digits, - and _"
            )
        path = Path(self.config["hunt"]["folder"]) / survey / f"{name}.jsonl"
        with self._lock:
            if path in self._open and self._open[path].file.removed:
                # The file is not closed, since the model may still be running.
                del self._open[path]
            if path not in self._open:
                if subject is None and not path.exists():
                    raise UserError(f"no hunt in {survey} has the name {name!r}")
                if subject is not None:
                    self._read(subject)  # if this fails, no file is created
                self._open[path] = self._resume(RatingFile(path, subject))
            hunt = self._open[path]
        if subject is not None and hunt.file.subject != subject:
            raise UserError(
                f"the hunt {name!r} in {survey} began with {describe(hunt.file.subject)}: choose "
                "that representation, or another name"
            )
        return hunt

    def _resume(self, file: RatingFile) -> Hunt:
        try:
            galaxies, vectors = self._read(file.subject)
            anomalies = self.config["anomalies"]
            settings = GaussianProcessSettings(**anomalies["searches"]["gaussian-process"])
            return Hunt(file, galaxies, vectors, settings, anomalies["seed"])
        except BaseException:
            file.close()
            raise

    def _read_subject(self, subject: Subject) -> tuple[Galaxies, np.ndarray]:
        survey, pretraining, components = subject
        if survey not in self.config["surveys"]:
            raise UserError(f"no survey has the name {survey!r}")
        folder = represented_folder(self.config, survey) / pretraining
        path = folder / f"pca{components}.parquet"
        need(path)
        iaunames, vectors = read_representation(path)
        return Galaxies(self.config, survey, iaunames), standardise(vectors)


def word(rating: int | None) -> str:
    """Name an answer."""
    return "skipped" if rating is None else str(rating)


def describe(subject: Subject) -> str:
    """Describe the representation that the model learns from."""
    return f"{subject.pretraining}, {subject.components} principal components"


@cache
def open_hunts(*configfiles: str) -> Hunts:
    """Read the configuration once, and share its hunts among all visitors."""
    return Hunts(read_config(configfiles))

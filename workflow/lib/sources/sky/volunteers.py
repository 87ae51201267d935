"""What volunteers say about simulated galaxies (votes, rare features, tags), and a network.

Volunteers see the cutout, not the truth: the smaller and fainter a galaxy, the smoother it looks,
and what is finer than the seeing they do not see.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import expit

from workflow.lib.sources.sky.population import EDGE_ON, projected_axis_ratio
from workflow.lib.sources.sky.streams import stream

QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "smooth-or-featured": ("smooth", "featured-or-disk", "artifact"),
    "disk-edge-on": ("yes", "no"),
    "has-spiral-arms": ("yes", "no"),
    "bar": ("strong", "weak", "no"),
    "bulge-size": ("dominant", "large", "moderate", "small", "none"),
    "how-rounded": ("round", "in-between", "cigar-shaped"),
    "edge-on-bulge": ("boxy", "none", "rounded"),
    "spiral-winding": ("tight", "medium", "loose"),
    "spiral-arm-count": ("1", "2", "3", "4", "more-than-4", "cant-tell"),
    "merging": ("none", "minor-disturbance", "major-disturbance", "merger"),
}
"""The questions of the GZ DECaLS decision tree and their answers."""

FIRST_QUESTION = "smooth-or-featured"

SEEING_SIGMA = 0.53
"""Of a Gaussian, of the image that volunteers are shown [arcsec]."""

NEXT_QUESTION: Mapping[str, Mapping[str, str | None]] = {
    "smooth-or-featured": {
        "smooth": "how-rounded",
        "featured-or-disk": "disk-edge-on",
        "artifact": None,
    },
    "disk-edge-on": {"yes": "edge-on-bulge", "no": "bar"},
    "edge-on-bulge": dict.fromkeys(QUESTIONS["edge-on-bulge"], "merging"),
    "bar": dict.fromkeys(QUESTIONS["bar"], "has-spiral-arms"),
    "has-spiral-arms": {"yes": "spiral-winding", "no": "bulge-size"},
    "spiral-winding": dict.fromkeys(QUESTIONS["spiral-winding"], "spiral-arm-count"),
    "spiral-arm-count": dict.fromkeys(QUESTIONS["spiral-arm-count"], "bulge-size"),
    "bulge-size": dict.fromkeys(QUESTIONS["bulge-size"], "merging"),
    "how-rounded": dict.fromkeys(QUESTIONS["how-rounded"], "merging"),
    "merging": dict.fromkeys(QUESTIONS["merging"], None),
}
"""Which question each answer leads to; each question stands before those it leads to."""

RARE_FEATURES = ("ring", "irregular", "dust-lane", "lens-or-arc", "overlapping", "other", "none")


def answer_probabilities(truth: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Give the probability of each answer from a volunteer who is asked the question.

    Parameters
    ----------
    truth
        Rows of `draw_population`.
    seed
        Seeds what is peculiar to each galaxy and not in its truth.

    Returns
    -------
    pandas.DataFrame
        Index as `truth`; a float column `{question}_{answer}` for each of the 34 answers, which
        add to 1 within a question.
    """
    seen = _appearance(truth)
    scatter = _normal(truth, seed, "perception", sum(map(len, QUESTIONS.values())))
    columns, start = {}, 0
    for question, scores in _scores(truth, seen).items():
        answers = QUESTIONS[question]
        logits = np.stack(
            [np.broadcast_to(scores[answer], len(truth)) for answer in answers], axis=1
        )
        logits = logits + 0.35 * scatter[:, start : start + len(answers)]
        start += len(answers)
        columns |= dict(zip(_columns(question), _softmax(logits).T, strict=True))
    return pd.DataFrame(columns, index=truth.index)[
        [column for question in QUESTIONS for column in _columns(question)]
    ]


def volunteer_votes(
    truth: pd.DataFrame,
    seed: int,
    voted: float = 0.83,
    many: int = 40,
    few: int = 5,
    few_share: float = 0.25,
) -> pd.DataFrame:
    """Let volunteers walk the decision tree.

    Parameters
    ----------
    truth
        Rows of `draw_population`.
    seed
        The sky's seed; a galaxy's votes depend on it and the iauname alone.
    voted
        Share of the observed galaxies that any volunteer saw.
    many, few
        Typical number of volunteers for most galaxies and for the rest.
    few_share
        Share of the voted galaxies that `few` volunteers saw.

    Returns
    -------
    pandas.DataFrame
        One row a galaxy with votes, in the order of `truth`: `iauname`; for each question
        `{question}_{answer}` and `{question}_total-votes` (int32), `{question}_{answer}_fraction`
        (NaN where nobody was asked).
    """
    truth = _observed(truth)
    probabilities = answer_probabilities(truth, seed)
    blocks = {question: probabilities[_columns(question)].to_numpy() for question in QUESTIONS}
    names, counts = [], []
    for row, name in enumerate(truth["iauname"]):
        rng = stream(seed, name, "votes")
        if rng.random() >= voted:
            continue
        typical = few if rng.random() < few_share else many
        asked = dict.fromkeys(QUESTIONS, 0)
        asked[FIRST_QUESTION] = max(1, rng.poisson(typical))
        votes = dict.fromkeys(QUESTIONS)
        for question, following in NEXT_QUESTION.items():
            votes[question] = rng.multinomial(asked[question], blocks[question][row])
            for answer, count in zip(QUESTIONS[question], votes[question], strict=True):
                if following[answer]:
                    asked[following[answer]] += count
        names.append(name)
        counts.append(np.concatenate([votes[question] for question in QUESTIONS]))
    width = sum(map(len, QUESTIONS.values()))
    counts = np.array(counts, np.int32).reshape(len(names), width)
    table = {"iauname": pd.Series(names, dtype=truth["iauname"].dtype)}
    for question, block in _by_question(counts):
        total = block.sum(axis=1, dtype=np.int32)
        with np.errstate(invalid="ignore"):
            fraction = block / total[:, None]
        table |= dict(zip(_columns(question), block.T, strict=True))
        table[f"{question}_total-votes"] = total
        table |= dict(zip(_columns(question, "_fraction"), fraction.T, strict=True))
    return pd.DataFrame(table)


def rare_features(truth: pd.DataFrame, votes: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Ask the volunteers the last question: any rare features, as many as they see.

    Parameters
    ----------
    truth
        Rows of `draw_population`.
    votes
        What `volunteer_votes` gave for them: it says how many were asked.
    seed
        The sky's seed.

    Returns
    -------
    pandas.DataFrame
        One row a row of `votes`: `iauname` and `rare-features_{feature}_fraction` for each of
        `RARE_FEATURES`, NaN where nobody was asked; they need not add to 1.
    """
    truth = truth.set_index("iauname", drop=False).loc[votes["iauname"]]
    seen = _appearance(truth)
    clear = seen["clear"]
    judged = votes[f"{FIRST_QUESTION}_total-votes"] - votes[f"{FIRST_QUESTION}_artifact"]
    asked = judged.to_numpy()
    scatter = _normal(truth, seed, "rare perception", len(RARE_FEATURES))
    strength = {
        "ring": -3.9 + 8.4 * seen["ring"] ** 0.8 * (0.35 + 0.65 * clear),
        "irregular": -4.0
        + 3.9 * truth["irregularity"] * (0.4 + 0.6 * clear)
        + 0.8 * truth["clumpiness"]
        + 1.0 * truth["disturbance"],
        "dust-lane": -4.2 + 6.0 * truth["dust_lane"] * truth["dust"] * clear + 1.0 * truth["dust"],
        "lens-or-arc": -4.8 + 4.0 * truth["lensed"] + 0.8 * truth["tail_strength"],
        "overlapping": -4.2 + 4.6 * truth["overlapped"] + 1.0 * truth["merging"],
        "other": -3.4 + 0.8 * truth["disturbance"],
    }
    strength = np.stack([np.asarray(column, float) for column in strength.values()], axis=1)
    probability = expit(strength + 0.45 * scatter[:, :-1])
    nothing = (1 - probability).prod(axis=1, keepdims=True)
    probability = np.hstack([probability, nothing])
    counts = np.array(
        [
            stream(seed, name, "rare votes").binomial(n, p)
            for name, n, p in zip(votes["iauname"], asked, probability, strict=True)
        ]
    ).reshape(probability.shape)
    with np.errstate(invalid="ignore"):
        fractions = counts / asked[:, None]
    table = {"iauname": votes["iauname"].reset_index(drop=True)}
    columns = [f"rare-features_{feature}_fraction" for feature in RARE_FEATURES]
    table |= dict(zip(columns, fractions.T, strict=True))
    return pd.DataFrame(table)


def automated_fractions(truth: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Give what a trained network predicts for each observed galaxy.

    Parameters
    ----------
    truth
        Rows of `draw_population`.
    seed
        The sky's seed.

    Returns
    -------
    pandas.DataFrame
        `iauname` and `{question}_{answer}_fraction`, which add to 1 within a question: the
        probabilities, a little less certain, with small errors of which a part is shared by the
        questions.
    """
    truth = _observed(truth)
    probabilities = answer_probabilities(truth, seed)
    errors = _normal(truth, seed, "network", 1 + probabilities.shape[1])
    doubt = 0.92 * np.exp(0.08 * errors[:, :1])
    table = {"iauname": truth["iauname"]}
    for question, own_errors in _by_question(errors[:, 1:]):
        logits = doubt * np.log(probabilities[_columns(question)].to_numpy() + 1e-6)
        logits += 0.18 * own_errors
        table |= dict(zip(_columns(question, "_fraction"), _softmax(logits).T, strict=True))
    return pd.DataFrame(table)


def forum_tags(
    truth: pd.DataFrame, seed: int, spellings: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """Give the tags that volunteers wrote on the forum.

    Parameters
    ----------
    truth
        Rows of `draw_population`.
    seed
        The sky's seed.
    spellings
        The ways volunteers write a tag, for those that are written in several.

    Returns
    -------
    pandas.DataFrame
        `iauname`, `tag`: one row a use. A few galaxies and a few tags have most uses; tags come
        with their synonyms, and some are questions of the tree or do not concern the image.
    """
    truth = _observed(truth)
    rates = pd.DataFrame(_tag_rates(truth)).clip(lower=0)
    names, tags = [], []
    for name, rate in zip(truth["iauname"], rates.to_numpy(), strict=True):
        rng = stream(seed, name, "tags")
        popularity = min(0.05 * rng.pareto(1.1), 6.0)
        all_uses = rng.poisson(rate * popularity)
        for column in np.flatnonzero(all_uses):
            tag, uses = rates.columns[column], all_uses[column]
            written = spellings.get(tag, (tag,))
            weights = 1 / np.arange(1, len(written) + 1)
            tags.extend(rng.choice(written, uses, p=weights / weights.sum()))
            names.extend([name] * uses)
    return pd.DataFrame({"iauname": np.array(names, str), "tag": np.array(tags, str)})


def galaxy_id(iauname: str) -> int:
    """Give the number under which the second survey knows a galaxy: the digits of its name."""
    digits = "".join(character for character in iauname if character.isdigit())
    return int(digits) * 2 + ("-" in iauname)


def odd_fraction(truth: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Give the second survey's answers in the format of the Kaggle Galaxy Challenge.

    Parameters
    ----------
    truth
        Rows of `draw_population`.
    seed
        The sky's seed.

    Returns
    -------
    pandas.DataFrame
        One row a galaxy in the order of `truth`: `GalaxyID` (int64, see `galaxy_id`) and the 37
        columns `Class1.1` ... `Class11.6`: vote fractions times the share of the volunteers who
        reached the question. `Class6.1` is the share that called the galaxy odd.
    """
    seen = _appearance(truth)
    p = answer_probabilities(truth, seed)
    scatter = _normal(truth, seed, "second survey", 9)
    column = {name: truth[name].to_numpy(float) for name in truth if truth[name].dtype.kind in "fb"}

    def shares(question: str, groups: list[list[int]] | None = None) -> np.ndarray:
        block = p[_columns(question)].to_numpy()
        if groups is None:
            return block
        return np.stack([block[:, group].sum(axis=1) for group in groups], axis=1)

    first = shares(FIRST_QUESTION)
    classes = {1: first}
    featured, smooth = first[:, 1:2], first[:, 0:1]
    classes[2] = shares("disk-edge-on") * featured
    edge_on, face_on = classes[2][:, 0:1], classes[2][:, 1:2]
    classes[3] = shares("bar", [[0, 1], [2]]) * face_on
    classes[4] = shares("has-spiral-arms") * face_on
    classes[5] = shares("bulge-size", [[4], [3], [1, 2], [0]]) * face_on
    features = np.stack(
        [
            6.6 * seen["ring"] ** 1.3 * seen["clear"],
            5.0 * column["lensed"],
            6.0 * column["disturbance"],
            6.5 * column["irregularity"],
            0.5 + 0.3 * scatter[:, 0],
            7.0 * column["merging"] + 3.2 * column["overlapped"],
            6.5 * column["dust_lane"] * column["dust"],
        ],
        axis=1,
    )
    odd = expit(-3.0 + 0.7 * features.max(axis=1) + 0.7 * scatter[:, 1])[:, None]
    classes[6] = np.hstack([odd, 1 - odd]) * (1 - first[:, 2:3])
    classes[7] = shares("how-rounded") * smooth
    kinds = _softmax(features + 0.3 * scatter[:, 2:9])
    classes[8] = kinds * classes[6][:, 0:1]
    classes[9] = shares("edge-on-bulge", [[2], [0], [1]]) * edge_on
    spiral = classes[4][:, 0:1]
    classes[10] = shares("spiral-winding") * spiral
    classes[11] = shares("spiral-arm-count") * spiral
    table = {"GalaxyID": [galaxy_id(name) for name in truth["iauname"]]}
    for number in sorted(classes):
        for answer, values in enumerate(classes[number].T, start=1):
            table[f"Class{number}.{answer}"] = values
    return pd.DataFrame(table, index=truth.index).astype({"GalaxyID": np.int64})


def _columns(question: str, ending: str = "") -> list[str]:
    return [f"{question}_{answer}{ending}" for answer in QUESTIONS[question]]


def _by_question(values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Cut an array with a column for each answer into a block for each question."""
    ends = np.cumsum([len(answers) for answers in QUESTIONS.values()])
    return zip(QUESTIONS, np.split(values, ends[:-1], axis=1), strict=True)


def _softmax(logits: np.ndarray) -> np.ndarray:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def _normal(truth: pd.DataFrame, seed: int, purpose: str, count: int) -> np.ndarray:
    """Draw `count` standard normal numbers a galaxy, from each galaxy's own stream."""
    draws = [stream(seed, name, purpose).standard_normal(count) for name in truth["iauname"]]
    return np.array(draws).reshape(len(truth), count)


def _observed(truth: pd.DataFrame) -> pd.DataFrame:
    return truth[truth["observed"]].reset_index(drop=True)


def _appearance(truth: pd.DataFrame) -> dict[str, np.ndarray]:
    """Give how clearly detail is seen (0 to 1), the apparent axis ratio and how face-on it is.

    Besides, the strengths of arms, bar and ring as far as the seeing leaves them: of a wave of
    length l it leaves exp(-2 (pi sigma / l)^2). The lengths are those with which this agrees best
    with the contrast of simulated galaxies blurred in that way.
    """
    magnitude = 22.5 - 2.5 * np.log10(truth["flux_r"].to_numpy())
    size = np.hypot(truth["disc_scale"] * 1.3, 0.6).to_numpy()
    clear = expit(1.9 * np.log2(size / 2.9) + 0.5 * (17.0 - magnitude) + 0.6)
    disc = projected_axis_ratio(truth["inclination"], truth["thickness"]).to_numpy()
    spheroid = (truth["bulge_fraction"] > 0.95).to_numpy()
    axis_ratio = np.where(spheroid, truth["bulge_axis_ratio"], disc)
    face_on = expit((EDGE_ON - 6 - truth["inclination"].to_numpy()) / 4.0)
    tilt = np.sqrt(np.cos(np.radians(truth["inclination"])))
    pitch = np.radians(truth["arm_pitch"])
    # At two scale lengths.
    spacing = 4 * np.pi * truth["disc_scale"] * np.sin(pitch) / truth["arm_count"]
    # Patches that are wound like arms look like arms.
    arms = np.hypot(truth["arm_strength"], 0.5 * truth["flocculence"])
    bar = truth["bar_strength"] * (1 - truth["bulge_fraction"])
    return {
        "clear": clear,
        "axis_ratio": axis_ratio,
        "face_on": face_on,
        "spheroid": spheroid,
        "arms": (arms * _resolved(spacing * tilt)).to_numpy(),
        "bar": (bar * _resolved(1.3 * truth["bar_length"])).to_numpy(),
        "ring": (truth["ring_strength"] * _resolved(truth["ring_radius"] * tilt)).to_numpy(),
    }


def _resolved(wavelength: pd.Series) -> pd.Series:
    """Give what the seeing leaves of the contrast of a wave of this length [arcsec]."""
    return np.exp(-2 * (np.pi * SEEING_SIGMA / np.maximum(wavelength, 0.01)) ** 2)


def _scores(truth: pd.DataFrame, seen: dict) -> dict[str, dict[str, np.ndarray]]:
    """Give the logit of each answer, up to a constant within each question."""
    t = {name: truth[name].to_numpy(float) for name in truth if truth[name].dtype.kind in "fbi"}
    clear, face_on, axis_ratio = seen["clear"], seen["face_on"], seen["axis_ratio"]
    disc = 1.0 - seen["spheroid"]
    defect = (truth["defect"] != "none").to_numpy()
    arms, bar, ring = seen["arms"], seen["bar"], seen["ring"]
    edge_on = (1 - face_on) * disc
    structure = (
        2.8 * arms * face_on + 2.0 * bar + 2.6 * ring + 2.2 * t["irregularity"]
        + 1.2 * t["clumpiness"] + 1.2 * t["disturbance"] + 1.6 * edge_on + 1.0 * t["dust"]
    )  # fmt: skip
    lens = disc * (0.9 - 0.8 * t["bulge_fraction"])
    bulge = np.sqrt(t["bulge_fraction"])
    certain = 0.5 + 0.5 * clear
    followed = np.minimum(arms / 0.4, 1)

    def near(value: np.ndarray, centre: float, width: float) -> np.ndarray:
        return -0.5 * ((value - centre) / width) ** 2 * certain

    pull = 3.0 * t["disturbance"]
    pitch = t["arm_pitch"]
    count = t["arm_count"]
    vague = 2.4 - 1.2 * followed + 2.2 * t["flocculence"] - 1.6 * clear - 1.2 * arms
    return {
        "smooth-or-featured": {
            "smooth": 1.7 - 0.6 * lens,
            "featured-or-disk": -1.5 + lens + 3.0 * structure * (0.25 + 0.75 * clear),
            "artifact": np.where(defect, 4.5, -2.2),
        },
        "disk-edge-on": {
            "yes": np.where(disc > 0, (t["inclination"] - EDGE_ON) / 3.0 * certain, -3.0),
            "no": 0.0,
        },
        "bar": {
            "strong": -3.0 + 9.0 * bar * (0.4 + 0.6 * face_on) * certain,
            "weak": -1.4 + 4.0 * np.minimum(bar, 0.5) * certain,
            "no": 0.4,
        },
        "has-spiral-arms": {
            "yes": -2.4 + (9.0 * arms + 2.0 * ring) * certain + 0.8 * t["tail_strength"],
            "no": 0.0,
        },
        # Rings pass for arms that are wound tightly.
        "spiral-winding": {
            "tight": near(pitch, 9, 6.0) * followed + 2.5 * ring,
            "medium": near(pitch, 17, 5.5) * followed,
            "loose": near(pitch, 27, 7.5) * followed,
        },
        "spiral-arm-count": {
            **{str(m): near(count, m, 0.55) * followed - 0.3 * (m > 2) for m in (1, 2, 3, 4)},
            "more-than-4": near(np.minimum(count, 5), 5, 0.55) * followed,
            "cant-tell": vague + 1.5 * ring,
        },
        "bulge-size": {
            "dominant": near(bulge, 0.85, 0.12),
            "large": near(bulge, 0.65, 0.12),
            "moderate": near(bulge, 0.46, 0.13),
            "small": near(bulge, 0.25, 0.12),
            "none": near(bulge, 0.03, 0.09),
        },
        "how-rounded": {
            "round": near(axis_ratio, 0.97, 0.12),
            "in-between": near(axis_ratio, 0.66, 0.15),
            "cigar-shaped": near(np.maximum(axis_ratio, 0.25), 0.25, 0.12),
        },
        "edge-on-bulge": {
            "boxy": -2.2 + 2.6 * np.clip(t["boxiness"], 0, 1) * certain,
            "none": 0.6 - 14.0 * (t["bulge_fraction"] - 0.10) * certain,
            "rounded": 0.0,
        },
        "merging": {
            "none": 2.6,
            "minor-disturbance": 0.2 + 0.9 * pull - 0.5 * t["merging"],
            "major-disturbance": -1.2 + 1.35 * pull - 0.4 * t["merging"],
            "merger": -1.8 + 5.5 * t["merging"] + 3.0 * t["overlapped"] + 0.25 * pull,
        },
    }


def _tag_rates(truth: pd.DataFrame) -> dict[str, np.ndarray]:
    """Give how often each tag is used for a galaxy of popularity 1."""
    t = {name: truth[name].to_numpy(float) for name in truth if truth[name].dtype.kind in "fbi"}
    seen = _appearance(truth)
    kind = truth["morphology"].to_numpy()
    defect = truth["defect"].to_numpy()
    face_on = t["inclination"] < 65
    spiral = seen["arms"] > 0.2
    blue = expit((0.48 - t["young_g_r"]) / 0.06) * (t["bulge_fraction"] < 0.4)
    grand = spiral * face_on * (t["arm_count"] == 2) * (1 - t["flocculence"])
    edge_on = t["inclination"] > EDGE_ON
    return {
        "starforming": 2.4 * t["clumpiness"] ** 2 + 0.5 * blue,
        "ring": 4.5 * seen["ring"],
        "disturbed": 2.5 * t["disturbance"] ** 2,
        "core": 0.5 * (t["bulge_fraction"] > 0.2) * (t["bulge_fraction"] < 0.5) * spiral,
        "dust-lane": 5.0 * t["dust_lane"] * t["dust"],
        "star": 6.0 * (defect == "star") + 1.5 * (defect == "saturated") + 0.01,
        "wrong_size": 3.0 * t["wrong_size_warning"],
        "overlapping": 4.0 * t["overlapped"] + 0.02,
        "tidal": 3.0 * t["tail_strength"] ** 1.5,
        "irregular": 1.8 * t["irregularity"],
        "lenticular": 0.9 * (kind == "lenticular") * face_on,
        "elliptical": 0.22 * (kind == "elliptical"),
        "lens": 25.0 * t["lensed"],
        "flocculent": 1.6 * spiral * face_on * (t["flocculence"] > 0.5),
        "grand-design": 1.1 * grand * (seen["arms"] > 0.5),
        "clumpy": 1.3 * t["clumpiness"] ** 2,
        "peculiar": 0.9 * t["disturbance"] + 0.01,
        "boxy": 1.4 * (t["boxiness"] > 0.5) * edge_on,
        "shells": 3.0 * (t["disturbance"] > 0.4) * (kind == "elliptical"),
        "trail": 5.0 * (defect == "satellite"),
        "ghost": 4.0 * (defect == "ghost"),
        "blue": 0.4 * blue,
        "one-arm": 1.5 * spiral * face_on * (t["arm_count"] == 1),
        "spiral": 1.3 * spiral * face_on,
        "merging": 4.0 * t["merging"],
        "merger": 2.0 * t["merging"],
        "bar": 2.7 * seen["bar"] * face_on,
        "edge-on": 1.6 * edge_on,
        "agn": 0.12 * (t["bulge_fraction"] > 0.2),
        "decals": 0.10,
        "sdss": 0.07,
        "uncatalogued": 0.03,
        "quasar": 0.02,
    }

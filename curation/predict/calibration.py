"""Turn logits into calibrated probabilities: of the images with confidence 0.9, 90 % are right.

The fit has two steps:

- Temperature scaling (Guo et al., 2017), fitted together with the label noise (see `calibration_noise`).
- A monotone logistic model of the top probability. Its features are the top probability itself, the margin to the
  second class, and the energy (Liu et al., 2020). It is used only where cross-validation shows that it helps.

Then each image gets the temperature at which its top probability is the calibrated one. So the other probabilities
follow, and the predicted class never changes. (The agreement of nearest neighbours was tried as a feature and did not
improve the coverage; see benchmarks/.)
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from curation.errors import CurationError, in_words
from curation.files import write_text
from curation.files.parsed import parse_json
from curation.predict import calibration_noise as noise_model
from curation.predict.calibration_values import usable
from curation.predict.ood import NO_ANSWERS, Answered, Reference
from curation.predict.thresholds import ALL, NOTHING, Curve, Expected, Measured, Sample

Reals = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

FOLDS = 5
MIN_ROWS = 50  # with fewer val images than this, temperature alone
AUDITED = 100  # labels that people checked; with fewer, stated precision is the raw agreement with the labels
VERSION = 2
READABLE = (1, VERSION)  # version 1 has no lower bound, so its curve is not read


class CalibrationError(CurationError):
    """A calibration file is missing or was not written by this program, or the inputs do not fit the calibration."""


@dataclass(frozen=True)
class Top:
    """A logistic model of the top probability: the weights of log-odds, margin and energy, and a constant."""

    weights: tuple[float, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]


@dataclass(frozen=True)
class Calibration:
    """A fitted calibration. `top` is None where temperature scaling alone is as good."""

    classes: tuple[str, ...]
    temperature: float = 1.0
    label_noise: float = 0.0
    top: Top | None = None
    curve: Curve = field(default_factory=Curve)
    class_curves: dict[str, Curve] = field(default_factory=dict)  # of the val images predicted as each class
    model: str = ""  # digest of the checkpoint it belongs to, "" when not told
    ood: Reference | None = None  # what the OOD score compares with
    like: Answered = NO_ANSWERS  # the answers for val and test images, to compare a pool with

    @classmethod
    def fit(
        cls,
        logits: npt.NDArray[np.floating],
        labels: npt.NDArray[np.integer],
        *,
        trusted: Flags | None = None,
        classes: Sequence[str] = (),
        sample: Sample = ALL,
    ) -> "Calibration":
        """Fit a calibration to images that the model was not trained on.

        - logits: [n, c]
        - labels: [n] class indices; rows below 0 are left out
        - trusted: [n] True where a person checked the label
        - classes: c names; by default "0", "1", ...
        - sample: the images on which the precision is measured; by default all

        The precision curve is measured by cross-validation, on folds that the model of each fold has not seen. It
        counts agreement with the labels. Only with 100 trusted labels or more is label noise taken out of it, and then
        the lower limit of the noise: without them, wrong labels look just like confident errors of the model.
        """
        names = tuple(classes) or tuple(str(index) for index in range(np.asarray(logits).shape[1]))
        known = np.asarray(labels) >= 0
        scores = np.asarray(logits, dtype=np.float64)[known]
        truth = np.asarray(labels, dtype=np.intp)[known]
        sure = np.zeros(len(truth), dtype=bool) if trusted is None else np.asarray(trusted, dtype=bool)[known]
        if not len(truth):
            return cls(names)
        temperature, noise = noise_model.fit_temperature(scores, truth, sure)
        features, agrees = _features(scores, temperature), scores.argmax(1) == truth
        certain = 0.0
        if noise and len(truth) >= MIN_ROWS:
            noise, certain = noise_model.fit_noise(features[:, 0], agrees, sure, scores.shape[1], noise)
        rows = _Rows(features, agrees, np.where(sure, 0.0, noise), scores.shape[1])
        top, confidence = _choose(rows)
        audited = np.where(sure, 0.0, certain if sure.sum() >= AUDITED else 0.0)
        groups = None if sample.groups is None else sample.groups[known]
        counted = np.ones(len(truth), dtype=bool) if sample.counted is None else sample.counted[known]
        measured = Measured(confidence, agrees, scores.argmax(1), audited, groups).part(counted)
        return cls(names, temperature, noise, top, *measured.curves(names))

    def probabilities(self, logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Return calibrated probabilities float32 [n, c] for logits [n, c]. Rows sum to 1 and keep their argmax.

        Raises CalibrationError when c is not the number of classes.
        """
        scores = np.asarray(logits, dtype=np.float64)
        if scores.ndim != 2 or scores.shape[1] != len(self.classes):
            raise CalibrationError(
                f"calibration: logits have shape {scores.shape}, but it was fitted for {len(self.classes)} classes; "
                "run `dvc repro evaluate`, so that model and calibration belong together"
            )
        if not len(scores):
            return np.zeros(scores.shape, dtype=np.float32)
        if self.top is None:
            return np.asarray(np.exp(log_softmax(scores / self.temperature, axis=1)), np.float32)
        return _with_top(scores, _confidence(_features(scores, self.temperature), self.top)).astype(np.float32)

    def expected(self, min_conf: float, label: str = "") -> Expected:
        """Return precision, its lower bound, and coverage at or above `min_conf`, as measured on val.

        With `label`, only the images that are predicted as this class are counted.
        """
        if not label:
            return self.curve.expected(min_conf)
        return self.class_curves[label].expected(min_conf) if label in self.class_curves else NOTHING

    def threshold_for(self, precision: float) -> float:
        """Return the lowest confidence threshold that is shown at 95 % to have this precision; NaN when none is."""
        return self.curve.threshold_for(precision)

    def write(self, path: Path) -> None:
        """Write the calibration as JSON. The file appears complete or not at all."""
        ood = self.ood.as_dict() if self.ood else None
        values = {"version": VERSION, **asdict(replace(self, ood=None)), "ood": ood}
        write_text(path, json.dumps(values, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Calibration":
        """Read a file that `write` made. CalibrationError when it is missing or is not a calibration."""
        if not path.exists():
            raise CalibrationError(f"{path} does not exist. The stage `evaluate` writes it: run `dvc repro evaluate`")
        try:
            values = parse_json(path.read_bytes())
            version = values.pop("version")
            if version not in READABLE:
                raise CalibrationError(f"{path} has the format of another version: run `dvc repro evaluate` again")
            weights = values["top"]
            values["top"] = Top(**{name: tuple(column) for name, column in weights.items()}) if weights else None
            values["curve"] = Curve() if version == 1 else Curve.from_dict(values["curve"])
            own = values.get("class_curves", {})
            values["class_curves"] = {name: Curve.from_dict(one) for name, one in own.items()}
            values["ood"] = Reference.from_dict(values["ood"]) if values.get("ood") else None
            values["like"] = Answered(*map(tuple, values.get("like", {}).values()))
            return usable(cls(**{**values, "classes": tuple(values["classes"])}))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            found = f"{path} is not a calibration ({in_words(error)})"
            raise CalibrationError(f"{found}: run `dvc repro evaluate` again") from None


@dataclass(frozen=True)
class _Rows:
    features: Reals
    agrees: Flags
    noise: Reals
    classes: int

    def part(self, chosen: Flags, columns: int) -> "_Rows":
        return _Rows(self.features[chosen][:, :columns], self.agrees[chosen], self.noise[chosen], self.classes)


def _features(logits: Reals, temperature: float) -> Reals:
    """Return features [n, 3]: log-odds of the scaled top probability, margin of log probability, energy."""
    scaled = logits / temperature
    logs = np.sort(log_softmax(scaled, axis=1), axis=1)
    first = logs[:, -1]
    second = logs[:, -2] if logs.shape[1] > 1 else np.full(len(logs), -40.0)
    rest = np.log(np.maximum(-np.expm1(np.minimum(first, -1e-12)), 1e-12))
    return np.column_stack([first - rest, first - second, scaled.max(axis=1) - first])


def _choose(rows: _Rows) -> tuple[Top | None, Reals]:
    """Choose 0, 1 or 3 features by cross-validated loss. A larger model must gain more than one standard error.

    Returns the model, and the confidence [n] that it gives to images of folds that it was not fitted on.
    """
    candidates = [0] if len(rows.agrees) < MIN_ROWS else [0, 1, 3]
    held = {columns: _held_out(rows, columns) for columns in candidates}
    losses = {columns: _losses(rows, sure) for columns, sure in held.items()}
    best = 0
    for columns in candidates[1:]:
        gain = losses[best] - losses[columns]
        if gain.mean() > gain.std() / np.sqrt(len(gain)):
            best = columns
    sure = np.clip(held[best], 1 / rows.classes, 1.0)
    return (_fit_top(rows, best) if best else None), sure


def _held_out(rows: _Rows, columns: int) -> Reals:
    """Return confidences [n], each from a model that was not fitted on its fold."""
    if not columns:
        return noise_model.odds_to_probability(rows.features[:, 0])
    fold = np.arange(len(rows.agrees)) % FOLDS
    sure = np.zeros(len(fold))
    everything = np.ones(len(fold), dtype=bool)
    for number in range(FOLDS):
        top = _fit_top(rows.part(fold != number, columns), columns)
        sure[fold == number] = _confidence(rows.part(everything, columns).features[fold == number], top)
    return sure


def _losses(rows: _Rows, sure: Reals) -> Reals:
    seen = np.clip(noise_model.agreement(sure, rows.noise, rows.classes), 1e-9, 1 - 1e-9)
    result: Reals = -np.where(rows.agrees, np.log(seen), np.log1p(-seen))
    return result


def _fit_top(rows: _Rows, columns: int) -> Top:
    features = rows.features[:, :columns]
    mean = np.concatenate([[0.0], features[:, 1:].mean(axis=0)])
    scale = np.concatenate([[1.0], np.maximum(features[:, 1:].std(axis=0), 1e-6)])
    weights = noise_model.fit_confidence((features - mean) / scale, rows.agrees, rows.noise, rows.classes)
    return Top(*(tuple(round(float(value), 9) for value in values) for values in (weights, mean, scale)))


def _confidence(features: Reals, top: Top) -> Reals:
    used = features[:, : len(top.mean)]
    standard = (used - np.asarray(top.mean)) / np.asarray(top.scale)
    return noise_model.odds_to_probability(standard @ np.asarray(top.weights[:-1]) + top.weights[-1])


def _with_top(logits: Reals, confidence: Reals) -> Reals:
    """Scale each row with the temperature at which its top probability is `confidence` (by bisection, clipped)."""
    low, high = np.full(len(logits), -12.0), np.full(len(logits), 12.0)
    for _ in range(60):
        middle = (low + high) / 2
        less = log_softmax(logits * np.exp(middle)[:, None], axis=1).max(axis=1) < np.log(confidence)
        low, high = np.where(less, middle, low), np.where(less, high, middle)
    result: Reals = np.exp(log_softmax(logits * np.exp((low + high) / 2)[:, None], axis=1))
    return result

"""Check the values of a calibration that was read from a file, which others may have changed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curation.predict.calibration import Calibration

MOST = 1e15  # no number of a calibration is as high


def usable(found: "Calibration") -> "Calibration":
    """Return the calibration. ValueError where a number, a name or a length is none that a fitted one has."""
    top, like = found.top, found.like
    numbers = [found.temperature, found.label_noise, *((*top.weights, *top.mean, *top.scale) if top else ())]
    if not all(_is_number(one, -MOST) for one in numbers):
        raise ValueError("a temperature, a noise or a weight is no number")
    if found.temperature <= 0 or not 0 <= found.label_noise < 1:
        raise ValueError("the temperature or the noise is out of its range")
    if top and not (len(top.weights) - 1 == len(top.mean) == len(top.scale) in {1, 3} and all(top.scale)):
        raise ValueError("its weights do not belong together")
    if not found.classes or not all(isinstance(name, str) for name in (*found.classes, found.model)):
        raise ValueError("its classes are no list of names")
    columns = (like.predicted, like.confidence, like.ood_score)
    known = [one for one in sum(columns, ()) if one == one]  # noqa: PLR0124 - NaN stands for no OOD score
    if len({len(column) for column in columns}) > 1 or not all(_is_number(one) for one in known):
        raise ValueError("the answers for val and test are no columns of numbers of one length")
    return found


def refuse_odd_columns(columns: Mapping[str, tuple[Any, ...]]) -> None:
    """Raise ValueError where a column of a curve holds no numbers, or not one for each threshold."""
    for name, column in columns.items():
        lowest = 1 if name in {"counts", "sizes"} else 0
        if not all(_is_number(one, lowest) for one in column):
            raise ValueError(f"{name} holds what is no number of images or no probability")
        if len(column) != len(columns["counts"]) and (column or name != "noise"):
            raise ValueError(f"{name} has {len(column)} values for {len(columns['counts'])} thresholds")


def _is_number(value: object, lowest: float = 0) -> bool:
    return type(value) in {int, float} and lowest <= value <= MOST  # type: ignore[operator]

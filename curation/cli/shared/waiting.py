"""The option `--wait` of the commands that change a part of the project, which only one command at a time may do.

`waits` gives a command the option; `WaitCommand` lets it stand without a number.
"""

import functools
import inspect
import math
from collections.abc import Callable
from typing import Annotated, Any, TypeVar, get_type_hints

import typer
from typer.core import TyperCommand

Result = TypeVar("Result")
FLAG, FOR_EVER = "--wait", "inf"
Wait = Annotated[
    float,
    typer.Option(
        FLAG,
        metavar="[SECONDS]",
        help="Wait for another command of this project that is in the way, so long or as long as it takes. "
        "The default is to end at once and name it.",
        min=0,
        show_default=False,
    ),
]


class WaitCommand(TyperCommand):
    """A command with `--wait [SECONDS]`: without a number behind it, it waits as long as it takes."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give a bare `--wait` its number."""
        given = []
        for at, word in enumerate(args):
            given.append(word)
            if word == FLAG and not _is_number(args[at + 1 : at + 2]):
                given.append(FOR_EVER)
        return super().parse_args(ctx, given)


def waits(command: Callable[..., Result]) -> Callable[..., Result]:
    """Give a command the option `--wait`: what it holds, it waits for so long."""
    signature, hints = inspect.signature(command), get_type_hints(command, include_extras=True)

    @functools.wraps(command)
    def wrapper(*, wait: float, **given: Any) -> Result:
        from curation.project.locks import patience  # it loads pandas

        with patience(wait):
            return command(**given)

    own = [one.replace(annotation=hints.get(name, one.annotation)) for name, one in signature.parameters.items()]
    option = inspect.Parameter("wait", inspect.Parameter.KEYWORD_ONLY, default=0.0, annotation=Wait)
    wrapper.__signature__ = inspect.Signature([*own, option])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {one.name: one.annotation for one in (*own, option)}
    return wrapper


def _is_number(words: list[str]) -> bool:
    try:
        return not math.isnan(float(words[0]))
    except (IndexError, ValueError):
        return False

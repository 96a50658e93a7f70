"""torch.compile, with an error message that says what to do.

torch compiles when the first batch goes through, forward and backward. Only then does it find out what the machine
lacks: a C++ compiler on a CPU, Triton on a GPU, or the translation of an operation.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from curation.errors import CurationError


class CompileError(CurationError):
    """The model can't be compiled here."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"train.compile: torch can't compile this model here ({reason}). Set `train.compile: false`; on a CPU it "
            "needs a C++ compiler (apt-get install g++), on a GPU Triton, which comes with torch for CUDA"
        )


@contextmanager
def compiling(on: bool) -> Iterator[None]:
    """A context for the steps of a compiled model: an error of the compiler becomes a CompileError. Off: no effect."""
    if not on:
        yield
        return
    from torch._dynamo.exc import TorchDynamoException

    try:
        yield
    except TorchDynamoException as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise CompileError(lines[0] if lines else type(error).__name__) from error

"""torch.compile, with an error that a person can act on.

It compiles when the first batch goes through, forward and backward, and only then finds out what the machine lacks: a
C++ compiler on a CPU, Triton on a GPU, or an operation that it can't translate.
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
    """Steps of a compiled model (`on`; else nothing is done): what the compiler raises becomes a CompileError."""
    if not on:
        yield
        return
    from torch._dynamo.exc import TorchDynamoException

    try:
        yield
    except TorchDynamoException as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise CompileError(lines[0] if lines else type(error).__name__) from error

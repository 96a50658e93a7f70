"""Where the arithmetic runs and in what precision; chosen once, and logged once.

With a GPU it is CUDA with bf16, or fp16 on cards without bf16. Otherwise it is the CPU with fp32. On the CPU, glibc
returns large buffers to the kernel after every batch. Telling it not to nearly doubles the speed at 224 pixels.
"""

import ctypes
import logging
import os
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist

from curation.errors import CurationError

log = logging.getLogger(__name__)
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of malloc.h


class DeviceError(CurationError):
    """A device that this machine does not have."""


@dataclass(frozen=True)
class Device:
    """A torch device, a precision, and the rank of this process among those that train together."""

    torch: torch.device
    precision: str = "fp32"  # fp32 | bf16 | fp16
    rank: int = 0
    world: int = 1

    @property
    def is_cuda(self) -> bool:
        """Whether it is a GPU."""
        return self.torch.type == "cuda"

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and logs."""
        return self.rank == 0

    def autocast(self) -> AbstractContextManager[object]:
        """The context in which a forward pass runs."""
        kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self.precision)
        return torch.autocast(self.torch.type, dtype=kind, enabled=kind is not None)

    def describe(self) -> str:
        """One line for the log."""
        threads = f"CPU, {torch.get_num_threads()} threads"
        name = torch.cuda.get_device_name(self.torch) if self.is_cuda else threads
        return f"{name}, {self.precision}" + (f", {self.world} processes" if self.world > 1 else "")

    def memory(self) -> float:
        """GiB in use: of the GPU, or of this process."""
        if self.is_cuda:
            return float(torch.cuda.max_memory_allocated(self.torch)) / 2**30
        return resident_bytes() / 2**30


def choose(wanted: str = "auto", precision: str = "auto", *, announce: bool = False) -> Device:
    """Choose the device and the precision. Under torchrun, join the other processes.

    wanted: auto, cpu, cuda or cuda:N. precision: auto, fp32, bf16 or fp16. announce: log the choice.
    Raises DeviceError when CUDA is wanted and there is none.
    """
    keep_freed_memory()
    rank, world, local = (
        int(os.environ.get(key, default)) for key, default in (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0))
    )
    name = wanted if wanted != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise DeviceError(
            f"train.device is {wanted!r}, but torch {torch.__version__} finds no CUDA device. Use `auto` or `cpu`"
        )
    if name.startswith("cuda:") and world > 1:
        raise DeviceError(f"train.device is {wanted!r}, but {world} processes share the work: write `cuda` or `auto`")
    chosen = torch.device(f"cuda:{local}" if name == "cuda" else name)
    if chosen.type == "cuda":
        _prepare(chosen)
    if world > 1 and not dist.is_initialized():
        if chosen.type == "cuda":
            dist.init_process_group("nccl", device_id=chosen)
        else:
            dist.init_process_group("gloo")
    device = Device(chosen, _precision(chosen, precision), rank, world)
    if announce and device.is_main:
        log.info("device: %s", device.describe())
    return device


def _prepare(chosen: torch.device) -> None:
    """Make a GPU the current one; DeviceError when this machine does not have it."""
    count = torch.cuda.device_count()
    if chosen.index >= count:
        raise DeviceError(f"there is no {chosen}: this machine has {count} CUDA device(s), cuda:0 to cuda:{count - 1}")
    torch.cuda.set_device(chosen)
    # Choosing kernels by their timing would make weights depend on the clock. It gained nothing where it was measured:
    # benchmarks/results/gpu.md.
    torch.backends.cudnn.benchmark = False
    torch.set_float32_matmul_precision("high")


def keep_freed_memory() -> None:
    """Tell glibc to keep freed memory in the process, so that large activations cause no page faults at every batch."""
    with suppress(OSError, AttributeError):  # another C library has no such call
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)


def resident_bytes() -> int:
    """Memory that this process holds, in bytes; 0 where /proc does not say."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def finish() -> None:
    """Leave the group of processes that train together."""
    if dist.is_initialized():
        dist.destroy_process_group()


def _precision(chosen: torch.device, wanted: str) -> str:
    if wanted != "auto":
        return wanted
    if chosen.type != "cuda":
        # bf16 is up to twice as fast on some CPUs, but oneDNN's is not repeatable bit for bit.
        return "fp32"
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"

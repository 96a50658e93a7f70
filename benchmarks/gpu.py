"""What a GPU does: is the work on it right, and is it as fast as the network alone.

    make gpu-wheels                                              # where there is a network
    python benchmarks/gpu.py --wheels .gpu-wheels --out FOLDER   # on the GPU machine: six minutes
    python benchmarks/gpu.py --cpu --out FOLDER                  # a trial of the script on a CPU

It needs Python 3.12, torch 2.11 or newer and a checkout of this repository, but no network: `make gpu-wheels` fetches
what such a machine lacks. The sections that show whether the work is right come first, then the speeds. Each prints as
it goes, and FOLDER/gpu.md and gpu.json are written anew after each, so a run that is cut off leaves what it found.
Beside our loops stand the bare network on one batch in the memory of the GPU, and a plain torchvision loop with a
worker a core, whose JPEGs of 1024x768 are decoded by Pillow, or by nvJPEG on the GPU.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ARCHS = ("resnet50", "convnext_tiny")
SECONDS = 340  # that all sections take at most
TESTS_SECONDS = 110
ALWAYS = ("machine", "photographs")

Values = dict[str, float | str]
Tell = Callable[[str, Any], None]


class Run:
    """The sections that are done, and the files that say so."""

    def __init__(self, out: Path, seconds: float, only: list[str]) -> None:
        self.out, self.begun, self.seconds, self.only = out, time.monotonic(), seconds, only
        self.found: dict[str, Values] = {}
        out.mkdir(parents=True, exist_ok=True)

    def section(self, name: str, work: Callable[[Tell], None], needs: float = 5) -> None:
        """Do one section, unless less than `needs` seconds are left. A fault in it is told, and the next begins."""
        if self.only and not name.startswith(tuple(self.only)):
            return
        values = self.found.setdefault(name, {})
        passed = time.monotonic() - self.begun
        print(f"[{passed:4.0f} s] ## {name}", flush=True)

        def tell(key: str, value: Any) -> None:
            values[key] = value if isinstance(value, str) else float(f"{value:.5g}")
            print(f"[{time.monotonic() - self.begun:4.0f} s] {key}: {values[key]}", flush=True)
            (self.out / "gpu.json").write_text(json.dumps(self.found, indent=1) + "\n", encoding="utf-8")
            (self.out / "gpu.md").write_text(page(self.found), encoding="utf-8")

        if self.seconds - passed < needs:
            tell("left out", f"it needs {needs:.0f} s, and {self.seconds - passed:.0f} s are left")
            return
        try:
            work(tell)
        except Exception:  # noqa: BLE001 - what comes after it may work
            tell("failed", " ".join(traceback.format_exc()[-1500:].split()))


def main() -> None:
    """Run the sections in the order of their weight."""
    asked = _arguments()
    _use_wheels(asked.wheels)
    import gpu_loops as loops

    from curation.model import device as devices

    run = Run(asked.out, asked.seconds, [*ALWAYS, *asked.only] if asked.only else [])
    device = devices.choose("cpu" if asked.cpu else "cuda")
    size, batch, batches, count = (64, 8, 3, 32) if asked.cpu else (224, 256, 100, 512)
    archs = ("shufflenet_v2_x0_5",) if asked.cpu else ARCHS
    with tempfile.TemporaryDirectory(prefix="bench-gpu-") as folder:
        setting = loops.Setting(Path(folder), device, size, batch, batches)
        run.section("machine", partial(machine, device))
        run.section("tests", partial(gpu_tests, asked.out, "test_gpu.py"))
        run.section("photographs", partial(photographs, setting, count))
        for arch in archs:
            run.section(f"training {arch}", partial(training, setting, arch), 20)
            run.section(f"scoring {arch}", partial(scoring, setting, arch), 15)
        for arch in archs:
            run.section(f"the same twice {arch}", partial(twice, replace(setting, batches=min(20, batches)), arch), 15)
            run.section(f"difference from a CPU {arch}", partial(difference, setting, arch))
        for arch in archs:
            run.section(f"plain {arch}", partial(plain, setting, arch), 30)
        run.section("loading", partial(loading, setting), 15)
        for arch in archs:
            run.section(f"compiled {arch}", partial(compiled, setting, arch), 40)
        run.section("memory", partial(memory, setting, archs[0]), 20)
        run.section("processes", partial(gpu_tests, asked.out, "test_gpu_processes.py"), 60)
        run.section("small network", partial(small, setting), 60)


def machine(device: Any, tell: Tell) -> None:
    """Versions and the card."""
    import torch
    import torchvision

    tell("device", device.describe())
    tell(
        "versions", f"Python {sys.version.split()[0]}, torch {torch.__version__}, torchvision {torchvision.__version__}"
    )
    tell("cores", len(os.sched_getaffinity(0)))
    tell("date", time.strftime("%Y-%m-%d", time.gmtime()))


def photographs(setting: Any, count: int, tell: Tell) -> None:
    """Make the images that all loops read."""
    import gpu_loops as loops

    begun = time.monotonic()
    loops.make_images(setting.folder, count, setting.size)
    tell("seconds", time.monotonic() - begun)


def gpu_tests(out: Path, file: str, tell: Tell) -> None:
    """Tests that need a GPU, in a process of their own."""
    options = ["-q", "-m", "gpu", "-p", "no:cacheprovider", "--durations=8", "--tb=short"]
    log = out / f"{file}.log"
    command = [sys.executable, "-m", "pytest", *options, f"tests/model/{file}"]
    with log.open("wb") as told, suppress(subprocess.TimeoutExpired):
        subprocess.run(command, cwd=ROOT, stdout=told, stderr=subprocess.STDOUT, timeout=TESTS_SECONDS, check=False)
    lines = log.read_text(encoding="utf-8").strip().splitlines()
    print("\n".join(lines[-40:]), flush=True)
    tell("result", lines[-1] if lines else "nothing")


def training(setting: Any, arch: str, tell: Tell) -> None:
    """The bare network, our steps without the loading, and whole epochs of the stage `train`."""
    import gpu_loops as loops
    import torch

    own = loops.engine(setting, arch)
    bare = loops.bare_training(own, setting)
    tell("bare, images/s", bare)
    tell("bare, GiB", setting.device.memory())
    if setting.device.is_cuda:
        torch.cuda.reset_peak_memory_stats()
    tell("our steps on one batch, images/s", loops.our_step(own, setting))
    ours = loops.our_training(own, setting)
    tell("ours, images/s", ours)
    tell("ours, GiB", setting.device.memory())
    tell("ours / bare", ours / bare)


def scoring(setting: Any, arch: str, tell: Tell) -> None:
    """The bare forward pass, our scorer on pixels in memory, and the scoring of the stage `evaluate`."""
    import gpu_loops as loops

    more = replace(setting, batches=2 * setting.batches)
    bare = loops.bare_scoring(loops.network(setting, arch), more)
    tell("bare, images/s", bare)
    tell("ours in memory, images/s", loops.streamed(more, arch))
    ours, start = loops.our_scoring(more, arch)
    tell("ours, images/s", ours)
    tell("ours, seconds of the start, not counted", start)
    tell("ours / bare", ours / bare)


def twice(setting: Any, arch: str, tell: Tell) -> None:
    """Whether two short trainings end with the same bytes, and what it costs to have that."""
    import gpu_loops as loops
    import torch

    from curation.model.training.loader import Loader

    def trained() -> dict[str, Any]:
        own = loops.engine(setting, arch)
        with Loader(setting.pixels, setting.device) as loader:
            own.train(0, loader, setting.examples(6), None, loops.METER)
        return {name: tensor.clone() for name, tensor in own.model.state_dict().items()}

    for mode, tuned, strict in (("tuned", True, False), ("not tuned", False, False), ("deterministic", False, True)):
        torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = tuned, strict
        torch.use_deterministic_algorithms(strict, warn_only=True)
        one, two = trained(), trained()
        apart = sum(not torch.equal(one[name], two[name]) for name in one)
        tell(f"{mode}: tensors that differ", f"{apart} of {len(one)}")
        tell(f"{mode}: bare, images/s", loops.bare_training(loops.engine(setting, arch), setting))
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = True, False


def difference(setting: Any, arch: str, tell: Tell) -> None:
    """How far logits and embeddings are from those of a CPU, by precision: the norm of the difference, relative."""
    import gpu_loops as loops
    import numpy as np

    from curation.model.scorer import Scorer

    pixels = setting.pixels.batch(np.arange(16))
    loops.network(setting, arch)
    path = setting.folder / f"{arch}.safetensors"
    want = Scorer(path, "cpu", "fp32").score(pixels)
    for precision in ("fp32", "bf16", "fp16") if setting.device.is_cuda else ("fp32",):
        got = Scorer(path, setting.device.torch.type, precision).score(pixels)
        for kind in ("logits", "embeddings"):
            one, two = getattr(got, kind).astype(float), getattr(want, kind).astype(float)
            tell(f"{precision} {kind}", np.linalg.norm(one - two) / np.linalg.norm(two))


def plain(setting: Any, arch: str, tell: Tell) -> None:
    """What a tutorial does, with a worker a core; then with nvJPEG."""
    import gpu_loops as loops

    own = loops.engine(setting, arch)
    tell("training, images/s", loops.plain_training(own, setting, loops.plain_batches))
    if arch != ARCHS[1]:  # bound by the decoding, so the other network would say the same
        model = loops.network(setting, arch)
        tell("scoring, images/s", loops.plain_scoring(model, setting, loops.plain_batches))
        if setting.device.is_cuda:
            tell("training with nvJPEG, images/s", loops.plain_training(own, setting, loops.gpu_decoded_batches))


def loading(setting: Any, tell: Tell) -> None:
    """How fast the store is read by some numbers of threads."""
    import gpu_loops as loops

    for workers in (2, 4, 8, 12, 16) if setting.device.is_cuda else (1, 2):
        tell(f"{workers} threads, images/s", loops.loading(setting, workers))


def compiled(setting: Any, arch: str, tell: Tell) -> None:
    """torch.compile: how long it takes, and what it brings to the bare network and to ours."""
    import gpu_loops as loops

    own = loops.engine(setting, arch, compile=True)
    begun = time.monotonic()
    ours = loops.our_training(own, setting)
    tell("ours, images/s", ours)
    tell("seconds, with compiling", time.monotonic() - begun)
    tell("bare, images/s", loops.bare_training(loops.engine(setting, arch), setting, compiled=True))


def memory(setting: Any, arch: str, tell: Tell) -> None:
    """What accumulation and recomputation save, and what they cost."""
    import gpu_loops as loops
    import torch

    ways: dict[str, dict[str, Any]] = {
        "plain": {},
        "accumulate: 4": {"accumulate": 4},
        "recompute": {"recompute": True},
    }
    for name, options in ways.items():
        own = loops.engine(setting, arch, **options)
        if setting.device.is_cuda:
            torch.cuda.reset_peak_memory_stats()
        tell(f"{name}, images/s", loops.our_step(own, setting))
        tell(f"{name}, GiB", setting.device.memory())


def small(setting: Any, tell: Tell) -> None:
    """A small network on small images, whose kernels are shorter than their launches: plain and compiled."""
    import gpu_loops as loops

    batches = 20 if setting.device.is_cuda else 3
    tiny = replace(setting, folder=setting.folder / "small", size=64, batch=64, batches=batches)
    loops.make_images(tiny.folder, tiny.batch, tiny.size)
    for name, how in (("plain", False), ("compiled", True)):
        begun = time.monotonic()
        own = loops.engine(tiny, "shufflenet_v2_x0_5", compile=how)
        loops.our_step(own, tiny)
        tell(f"{name}, seconds of the start", time.monotonic() - begun)
        tell(f"{name}, images/s", loops.our_step(own, replace(tiny, batches=10 * tiny.batches)))


def page(found: dict[str, Values]) -> str:
    """The table of all sections, in Markdown."""
    rows = [f"| {section} | {key} | {value} |" for section, values in found.items() for key, value in values.items()]
    return "\n".join(["# GPU", "", "| section | figure | value |", "| --- | --- | --- |", *rows]) + "\n"


def _use_wheels(folder: Path | None) -> None:
    """Install the carried wheels into a folder of their own, for this process and those that it starts."""
    added = [str(ROOT)]
    if folder:
        place = tempfile.mkdtemp(prefix="wheels-")
        options = ["--quiet", "--no-index", "--no-deps", "--no-compile", "--no-cache-dir", "--target", place]
        subprocess.run([sys.executable, "-m", "pip", "install", *options, *folder.glob("*.whl")], check=True)
        added.append(place)
    sys.path[:0] = added
    os.environ["PYTHONPATH"] = os.pathsep.join([*added, os.environ.get("PYTHONPATH", "")])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for gpu.md, gpu.json and tests.log")
    parser.add_argument("--wheels", type=Path, help="folder of wheels that this machine lacks")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="sections that need longer are left out")
    parser.add_argument("--only", nargs="+", default=[], help="the first words of the sections to do; all by default")
    parser.add_argument("--cpu", action="store_true", help="a trial of the script, with small numbers, on the CPU")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""Training on cores that others use too: how the waiting of torch's threads is best set.

    python benchmarks/shared_cores.py [--seconds 20]

The same steps of a resnet18 at 32 px in a process of their own: alone, two side by side, and one beside four busy
processes, under several settings of libgomp. Writes benchmarks/results/shared_cores.md.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from tables import Table, write_page

SETTINGS = {
    "libgomp's own": {},
    "GOMP_SPINCOUNT=1000": {"GOMP_SPINCOUNT": "1000"},
    "GOMP_SPINCOUNT=10000": {"GOMP_SPINCOUNT": "10000"},
    "GOMP_SPINCOUNT=100000": {"GOMP_SPINCOUNT": "100000"},
    "OMP_WAIT_POLICY=PASSIVE": {"OMP_WAIT_POLICY": "PASSIVE"},
}
STEPS = """
import sys, time, torch, torchvision
model = torchvision.models.resnet18(num_classes=10).to(memory_format=torch.channels_last)
optimizer = torch.optim.AdamW(model.parameters(), fused=True)
images = torch.rand(64, 3, 32, 32).to(memory_format=torch.channels_last)
labels = torch.randint(0, 10, (64,))

def step():
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(images), labels).backward()
    optimizer.step()

step()
started, done = time.monotonic(), 0
while time.monotonic() - started < float(sys.argv[1]):
    step()
    done += 64
print(done / (time.monotonic() - started))
"""
BUSY = "while True: pass"


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    seconds = parser.parse_args().seconds
    rows = []
    for name, setting in SETTINGS.items():
        alone, two, beside = (_rates(setting, seconds, trainings, busy) for trainings, busy in ((1, 0), (2, 0), (1, 4)))
        rows.append((name, alone, two, two / alone, beside, beside / alone))
    fair = (os.cpu_count() or 1) / ((os.cpu_count() or 1) + 4)
    header = ["setting", "alone, images/s", "two together", "share of alone", "beside four busy", "share of alone"]
    about = "resnet18 at 32 px, batches of 64, on all cores, forward, backward and step."
    notes = f"Beside four busy processes the fair share of the cores is {fair:.2f}."
    write_page("shared_cores", "Training on shared cores", about, [Table(header, rows)], notes)


def _rates(setting: dict[str, str], seconds: float, trainings: int, busy: int) -> float:
    """Images a second of all trainings together."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_"))} | setting
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(busy)]
    try:
        command = [sys.executable, "-c", STEPS, str(seconds)]
        runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(trainings)]
        return sum(float(run.communicate()[0]) for run in runs)
    finally:
        for other in others:
            other.kill()
            other.wait()


if __name__ == "__main__":
    main()

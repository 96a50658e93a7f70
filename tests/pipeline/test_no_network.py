"""The daily commands ask no host for anything: in a network namespace without a way out, no connection is tried.

`unshare -n` gives a network of loopback alone, and strace writes down every connection that a process tries, also the
one to a name server. mongod and the App talk over loopback, which is allowed.
"""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest
from campaigns.rounds import make_project

from curation.review import mongod

pytestmark = pytest.mark.pipeline

TRIED = re.compile(r'connect\(\d+, \{sa_family=AF_INET6?, (?:sin6?_port=htons\((\d+)\)).*?"([0-9a-f.:]+)"')
LOOPBACK = re.compile(r"127\.|::1$|::ffff:127\.|0\.0\.0\.0$|::$")
COMMANDS = [
    "dvc repro",
    "dvc status",
    "curate doctor",
    "curate summary",
    "curate unknowns --min-conf 0.5",
    "curate next -n 3 --csv picks.csv",
    "curate label accept picks.csv --rest-as predicted --reviewer ann",
    "curate identify data/unlabelled",
    "curate review status",
    "timeout -s INT 30 curate review open --port 5987",
    "curate promote --force --reason test --accept-unknown",
    "curate versions",
    "dvc add -q data/raw data/unlabelled",
    "dvc repro split",
]


def can_isolate() -> str:
    """Why the test can't run here, "" where it can."""
    missing = [name for name in ("unshare", "strace", "ip") if shutil.which(name) is None]
    if missing:
        return f"there is no {' and no '.join(missing)}"
    done = subprocess.run(
        ["unshare", "-n", "strace", "-f", "-o", "/dev/null", "true"], check=False, capture_output=True
    )
    return "" if done.returncode == 0 else f"a network namespace or strace is refused: {done.stderr.decode().strip()}"


@pytest.fixture(scope="module")
def traced(tmp_path_factory):
    """What the commands said, and the connections that they tried: (port, address)."""
    if why := can_isolate():
        pytest.skip(why)
    program = mongod.find()
    if program is None:
        pytest.skip("FiftyOne has no mongod: " + mongod.inspect().fix)
    project = make_project(tmp_path_factory.mktemp("alone") / "small")
    if find_spec("mlflow") and find_spec("tensorboard"):
        project.replace("params.yaml", "trackers: []", "trackers: [tensorboard, mlflow]")
    folder = tmp_path_factory.mktemp("trace")
    database = f"{program} --dbpath {folder} --logpath {folder}/log --pidfilepath {folder}/pid --port 27999 --fork"
    script = "\n".join(
        [
            "ip link set lo up",
            f"{database} --bind_ip 127.0.0.1 --nounixsocket --noauth > /dev/null",
            *(f"echo '$ {command}'; {command} < /dev/null; echo \"= $?\"" for command in COMMANDS),
            f"kill $(cat {folder}/pid)",
        ]
    )
    env = {
        name: value for name, value in project.env.items() if name not in {"FIFTYONE_DO_NOT_TRACK", "DVC_NO_ANALYTICS"}
    }
    env |= {"FIFTYONE_DATABASE_URI": "mongodb://127.0.0.1:27999", "FIFTYONE_DATABASE_VALIDATION": "false"}
    trace = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect", "-o", str(folder / "trace")]
    command = ["unshare", "-n", *trace, "sh", "-c", script]
    done = subprocess.run(command, cwd=project.root, env=env, capture_output=True, text=True, check=False)
    print(done.stdout[-3000:], done.stderr[-3000:], file=sys.stderr)
    return done.stdout, TRIED.findall((folder / "trace").read_text(errors="replace"))


def test_the_commands_run_without_a_network(traced):
    said, _ = traced
    ended = dict(re.findall(r"\$ (.*)\n(?:(?!\$ ).*\n)*?= (\d+)", said))
    assert list(ended) == COMMANDS
    assert {command: code for command, code in ended.items() if code != "0"} == {
        command: "124" for command in COMMANDS if command.startswith("timeout")
    }


def test_no_command_tries_to_reach_another_host(traced):
    _, tried = traced
    assert tried, "not even a connection to mongod was seen: is strace at work?"
    assert {(port, address) for port, address in tried if not LOOPBACK.match(address)} == set()

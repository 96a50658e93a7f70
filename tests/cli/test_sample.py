"""`curate sample`: what it writes, and that it never writes over what is not its own."""

import csv
import hashlib
import json
import struct
from pathlib import Path

import pytest
from typer.testing import CliRunner

from curation.cli.main import app

TRUTH = Path(".cache/curation/sample_truth.csv")


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(*arguments, code=0):
    result = CliRunner().invoke(app, ["sample", *arguments])
    assert result.exit_code == code, result.output
    return result


def curate(*arguments, code=0):
    return run(*arguments, code=code).output


def summary(*arguments):
    return {row["what"]: row["number"] for row in json.loads(run(*arguments, "--json").stdout)}


def files():
    found = (path for path in Path("data").rglob("*") if path.is_file())
    return {path.as_posix(): hashlib.md5(path.read_bytes()).hexdigest() for path in found}


def truth():
    with TRUTH.open(newline="") as stream:
        return {row["path"]: row for row in csv.DictReader(stream)}


def test_class_folders_of_ordinary_files():
    assert summary("digits", "--count", "30")["files"] == 30
    assert sorted(path.name for path in Path("data/raw").iterdir()) == sorted(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    )
    assert not Path("data/unlabelled").exists()


def test_the_truth_table_accounts_for_every_file_and_its_bytes():
    facts = summary("digits", "--mess", "--count", "500")
    rows = truth()
    assert facts["files"] == len(rows)
    assert {path: row["image_id"] for path, row in rows.items()} == {
        path: digest for path, digest in files().items() if not path.endswith("metadata.csv")
    }
    copies = [row for row in rows.values() if row["copy_of"]]
    assert all(row["copy_of"] in rows for row in copies)
    same = [row for row in copies if row["kind"] == "identical"]
    assert same
    assert all(rows[row["copy_of"]]["image_id"] == row["image_id"] for row in same)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_files(tmp_path, monkeypatch):
    seen = []
    for folder, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        curate("digits", "--mess", "--count", "240", "--seed", seed)
        seen.append(files())
    assert seen[0] == seen[1]
    assert not set(seen[0]) & set(seen[2]) - {"data/raw/metadata.csv"}


def test_running_it_again_changes_nothing_not_even_what_the_user_changed_since():
    curate("digits", "--mess", "--count", "500")
    victim = next(Path("data/raw").rglob("*.png"))
    victim.unlink()
    Path("data/raw/mine.jpg").write_bytes(b"mine")
    before = files()
    assert "none of them new" in curate("digits", "--mess", "--count", "500")
    assert files() == before


def test_a_killed_run_is_completed():
    curate("digits", "--count", "40")
    whole = files()
    for path in list(whole)[::3]:
        Path(path).unlink()
    Path(".cache/curation/sample.json").unlink()
    assert summary("digits", "--count", "40")["new"] == len(list(whole)[::3])
    assert files() == whole


@pytest.mark.parametrize("place", ["data/raw/cat/1.jpg", "data/unlabelled/1.jpg", "data/benchmark/x/cat/1.jpg"])
def test_a_users_files_are_never_touched(place):
    Path(place).parent.mkdir(parents=True)
    Path(place).write_bytes(b"mine")
    assert place in curate("digits", "--count", "20", code=1)
    assert list(files()) == [place]


def test_another_sample_needs_force_and_replaces_only_what_nobody_changed():
    curate("digits", "--mess", "--count", "240", "--seed", "1")
    assert "--force" in curate("digits", "--mess", "--count", "240", "--seed", "2", code=1)
    first = list(files())
    changed, *_ = [path for path in first if path.endswith(".png")]
    Path(changed).write_bytes(b"mine now")
    Path("data/raw/notes.txt").write_text("mine")
    curate("digits", "--mess", "--count", "240", "--seed", "2", "--force")
    left = set(files())
    assert left & set(first) - {"data/raw/metadata.csv"} == {changed}
    assert "data/raw/notes.txt" in left
    assert len(left) == len(truth()) + 3  # metadata.csv and the two


def test_the_second_round_adds_the_thin_class_and_leaves_the_rest():
    curate("digits", "--mess", "--seed", "3")
    before = files()
    gone = next(path for path in before if path.startswith("data/raw/two"))
    Path(gone).unlink()
    added = summary("digits", "--mess", "--seed", "3", "--round", "2")["new"]
    after = files()
    new = set(after) - set(before)
    assert len(new) == added > 40
    assert all(path.startswith("data/raw/seven/") for path in new)
    assert gone not in after
    for again in (["--round", "2"], []):
        assert summary("digits", "--mess", "--seed", "3", *again)["new"] == 0


def test_the_class_cutoffs_of_params_are_the_ones_that_are_missed():
    Path("params.yaml").write_text("cutoff: {min: 12, max: 60}\n")
    curate("digits", "--mess", "--count", "300")
    thin = [row for row in truth().values() if row["path"].startswith("data/raw/seven") and not row["copy_of"]]
    assert len(thin) < 12


def test_an_unknown_name_lists_the_known_ones():
    assert "cifar10" in curate("nosuch", code=1)


def test_a_torchvision_set_that_is_there_needs_no_network():
    raw = Path("sets/MNIST/raw")
    raw.mkdir(parents=True)
    for name, count in (("train", 20), ("t10k", 2)):
        (raw / f"{name}-images-idx3-ubyte").write_bytes(
            struct.pack(">HBBIII", 0, 8, 3, count, 28, 28) + bytes(784 * count)
        )
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(
            struct.pack(">HBBI", 0, 8, 1, count) + bytes(i % 10 for i in range(count))
        )
    assert summary("mnist", "--from", "sets")["files"] == 20
    assert len(list(Path("data/raw/3-three").iterdir())) == 2


def test_a_torchvision_set_that_is_not_there_says_how_to_get_it():
    Path("sets").mkdir()
    assert "Without --from it is downloaded" in curate("mnist", "--from", "sets", code=1)

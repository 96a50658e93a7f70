"""`curate split --suggest-groups`: bursts by time and camera, as rows for metadata.csv."""

from factories import tables as made
from PIL import Image

from curation.selection.groups.suggested_groups import exif_facts, suggested_groups
from curation.selection.image_history import RoundTables, history


def photograph(path, time, camera, fraction="0"):
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Maker", camera
    exif.get_ifd(0x8769).update({0x9003: time, 0x9291: fraction})
    Image.new("RGB", (16, 16)).save(path, exif=exif)


def test_bursts_of_one_camera_are_offered_and_what_has_a_group_is_left_alone(tmp_path):
    times = {
        "0": ("2026:11:27 10:00:00", "A"),
        "1": ("2026:11:27 10:00:02", "A"),
        "2": ("2026:11:27 10:00:03", "B"),  # another camera at the same time
        "3": ("2026:11:27 10:00:04", "A"),
        "4": ("2026:11:27 10:00:09", "A"),  # too late
        "5": ("2026:11:27 10:00:10", "A"),  # has a group
    }
    for name, (time, camera) in times.items():
        photograph(tmp_path / f"data/raw/a/{name}.jpg", time, camera)
    rows = [{"name": name, "path": f"data/raw/a/{name}.jpg", "group": "x" if name == "5" else ""} for name in times]
    found = suggested_groups(made.images(rows), tmp_path)
    assert found["file_name"].tolist() == ["a/0.jpg", "a/1.jpg", "a/3.jpg"]
    assert found["group"].nunique() == 1
    assert set(found["camera"]) == {"Maker A"}
    shuffled = suggested_groups(made.images(rows).sample(frac=1, random_state=1), tmp_path)
    assert shuffled.equals(found)


def test_a_file_without_exif_tells_nothing_and_metadata_gives_the_time(tmp_path):
    for name in "ab":
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.png")
    (tmp_path / "c.png").write_bytes(b"no picture")
    assert exif_facts(tmp_path / "a.png") == exif_facts(tmp_path / "c.png") == ("", "")
    rows = [
        {"name": n, "path": f"data/raw/{n}.png", "captured_at": f"2026-11-27T10:00:0{k}Z"} for k, n in enumerate("ab")
    ]
    assert suggested_groups(made.images(rows), tmp_path)["file_name"].tolist() == ["a.png", "b.png"]


def test_explain_tells_every_column_of_the_metadata():
    images = made.images([{"name": "a", "group": "p 7", "metadata": '{"site": "north"}'}])
    told = history(RoundTables(images), images["image_id"][0])
    assert {"step": "collected", "text": "Its metadata says: group `p 7`, site `north`."} in told

"""A decision that is added while a stage runs is used by it, because DVC counts it as used."""

from curation.decisions import while_running
from curation.decisions.log import append_reviews, read_reviews
from curation.decisions.while_running import with_all_decisions

IDS = [f"{number:032d}" for number in range(9)]


def test_work_is_done_again_until_nobody_has_decided_meanwhile(tmp_path, capsys):
    log, seen = tmp_path / "reviews.csv", []

    def work(reviews):
        seen.append(len(reviews))
        if len(seen) < 3:
            append_reviews(log, [{"image_id": IDS[len(seen)], "decision": "remove"}])

    with_all_decisions(log, "cutoff", work)
    assert seen == [0, 1, 2]
    assert "once more" in capsys.readouterr().err


def test_work_that_takes_long_is_left_at_that_and_the_way_to_use_the_decisions_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(while_running, "MOST", -1.0)
    log = tmp_path / "reviews.csv"
    with_all_decisions(log, "dedupe", lambda _: append_reviews(log, [{"image_id": IDS[0], "decision": "remove"}]))
    assert len(read_reviews(log)) == 1
    assert "dvc repro --force --single-item dedupe" in capsys.readouterr().err

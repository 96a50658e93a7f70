import hashlib

import numpy as np
import pandas as pd
import pytest
from factories import rounds
from sklearn import metrics as sk

from curation import tables
from curation.evaluation import prediction_table, split_metrics
from curation.evaluation.evaluate import Paths, evaluate, report
from curation.evaluation.fit_calibration import calibrate
from curation.evaluation.prediction_facts import read_facts
from curation.model.header import Header
from curation.params.blocks import Params
from curation.params.loading import parse
from curation.predict.calibration import Calibration
from curation.predict.ood import foreign, unit


def paths_in(folder):
    return Paths(
        folder / "c",
        folder / "b",
        folder / "p.parquet",
        folder / "cal.json",
        folder / "m.json",
        folder / "short.json",
        folder / "plots",
        folder,
        folder / "x.parquet",
    )


@pytest.fixture
def evaluated(tmp_path):
    splits, scored, base, _ = rounds.make(600, flip=0.05)
    seen = np.zeros(len(splits), bool)
    calibration = calibrate(splits, scored, seen, 0)
    numbers = report(paths_in(tmp_path), splits, (scored, base), calibration, seen, Params())
    table = tables.read(tmp_path / "p.parquet", tables.PREDICTIONS)
    return splits, scored, calibration, numbers, table, tmp_path


def test_every_number_of_test_equals_scikit_learns(evaluated):
    splits, scored, calibration, numbers, table, _ = evaluated
    rows = (splits.split == "test").to_numpy()
    labels, sure = splits.label[rows].to_numpy(str), calibration.probabilities(scored.logits)[rows]
    answers = np.array(scored.classes)[sure.argmax(1)]
    assert (table.predicted[rows].to_numpy(str) == answers).all()
    found = numbers["test"]
    assert found["images"] == rows.sum()
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(labels, answers), abs=1e-6)
    assert found["f1"] == pytest.approx(sk.f1_score(labels, answers, average="macro"), abs=1e-6)
    assert found["log_loss"] == pytest.approx(sk.log_loss(labels, sure), abs=1e-5)
    assert found["auc"] == pytest.approx(sk.roc_auc_score(labels, sure, multi_class="ovr"), abs=1e-6)
    assert found["top5"] == 1.0
    assert found["accuracy_low"] < found["accuracy"] < found["accuracy_high"]


def test_predictions_have_a_row_for_every_split_row_in_order(evaluated):
    splits, scored, _, _, table, _ = evaluated
    assert table.image_id.tolist() == splits.image_id.tolist()
    assert np.frombuffer(table.embedding[3], "<f2").tolist() == scored.embeddings[3].tolist()
    assert table.loss.to_numpy() == pytest.approx(
        -np.log(np.maximum(table.label_confidence.to_numpy(), np.finfo(np.float32).eps)), abs=1e-5
    )


def test_the_size_of_blocks_changes_nothing(evaluated, monkeypatch):
    splits, scored, calibration, _, table, folder = evaluated
    monkeypatch.setattr(type(scored), "blocks", lambda _: (slice(i, min(i + 7, 600)) for i in range(0, 600, 7)))
    again = folder / "again.parquet"
    prediction_table.write_predictions(again, splits, (scored, None), calibration)
    same = [name for name in table.columns if not name.startswith("base_")]
    pd.testing.assert_frame_equal(tables.read(again, tables.PREDICTIONS)[same], table[same])


def test_images_that_an_ancestor_learnt_from_never_count(tmp_path):
    splits, scored, base, _ = rounds.make(300)
    test = splits.image_id[splits.split == "test"]
    seen = split_metrics.seen_by(
        splits.image_id, {test.iloc[0]: "train", test.iloc[1]: "val", test.iloc[2]: "benchmark"}
    )
    calibration = calibrate(splits, scored, seen, 0)
    numbers = report(paths_in(tmp_path), splits, (scored, base), calibration, seen, Params())
    assert numbers["test"]["images"] == len(test) - 2
    assert numbers["left_out"]["seen_by_an_ancestor"] == 2


def test_out_of_scope_images_count_as_refused_and_in_no_accuracy(tmp_path):
    splits, scored, base, _ = rounds.make(400)
    foreign = splits.index[splits.split == "benchmark"][:10]
    splits.loc[foreign, ["label", "benchmark_set"]] = ["unknown", "street"]
    scored.logits[foreign] = 0.0
    seen = np.zeros(400, bool)
    calibration = calibrate(splits, scored, seen, 0)
    numbers = report(paths_in(tmp_path), splits, (scored, base), calibration, seen, Params())
    found = numbers["out_of_scope"]["street"]
    assert (found["images"], found["auc_confidence"]) == (10, 1.0)
    assert "street" not in numbers["benchmark"]


def test_the_calibration_trusts_unseen_images_of_hand_made_sets_alone(monkeypatch):
    splits, scored, _, _ = rounds.make(400)
    val, benchmark = ((splits.split == name).to_numpy() for name in ("val", "benchmark"))
    by_hand = np.flatnonzero(benchmark)[::2]
    splits.loc[by_hand, ["benchmark_set", "basis"]] = ["street", "hand-made"]
    seen = np.isin(np.arange(400), by_hand[:3])
    given, found = {}, Calibration(tuple(scored.classes))
    monkeypatch.setattr(Calibration, "fit", lambda *of, **rest: given.update(rest, count=len(of[1])) or found)
    calibrate(splits, scored, seen, 0)
    assert given["count"] == val.sum() + len(by_hand) - 3
    assert given["trusted"].sum() == len(by_hand) - 3
    assert not (given["sample"].counted & given["trusted"]).any()


def test_the_stated_precision_is_that_of_val_images_that_the_gate_keeps():
    splits, scored, _, _ = rounds.make(2_000)
    fitted = calibrate(splits, scored, np.zeros(len(splits), bool), 0)
    val = (splits.split == "val").to_numpy()
    far = fitted.ood.ood_scores(unit(np.asarray(scored.embeddings[val], np.float32)))
    assert fitted.curve.total == (~foreign(far)).sum()
    assert 0 < foreign(far).mean() < 0.1
    assert len(fitted.like.confidence) == len(fitted.like.ood_score) == len(fitted.ood.held_back)


class Blobs:
    """A store of pixels in memory, an image a number."""

    def __init__(self, image_ids):
        self.place = {image_id: place for place, image_id in enumerate(image_ids)}
        self.pixels = np.random.default_rng(0).integers(0, 256, (len(image_ids), 16, 16, 3), np.uint8)

    def rows(self, image_ids):
        return np.array([self.place[image_id] for image_id in image_ids])

    size = 16

    def batch(self, rows, out=None):
        found = self.pixels[rows]
        if out is not None:
            out[:] = found
        return found


def test_a_first_round_has_every_baseline_and_a_calibration_that_names_its_model(tmp_path):
    from curation.model.backbone import Spec, build
    from curation.model.checkpoint import save
    from curation.model.classifier_head import body_state

    splits, scored, _, _ = rounds.make(90)
    spec, paths = Spec("shufflenet_v2_x0_5", 16), paths_in(tmp_path)
    model = build(spec, len(scored.classes))
    half = (0.5, 0.5, 0.5)
    save(paths.candidate, model.state_dict(), Header(spec.arch, tuple(scored.classes), 16, half, half))
    save(paths.base, body_state(model, len(scored.classes)), Header(spec.arch, (), 16, half, half))
    few = parse({"evaluate": {"bootstrap": 10}})
    numbers = evaluate(paths, splits, Blobs(splits.image_id), few)
    assert set(numbers["baselines"]) == {"majority", "nearest_neighbour", "pixels"}
    assert "against_base" not in numbers
    digest = hashlib.md5(paths.candidate.read_bytes(), usedforsecurity=False).hexdigest()
    assert Calibration.read(paths.calibration).model == digest


def test_a_first_round_has_no_comparison_and_plots_are_written(tmp_path):
    splits, scored, _, _ = rounds.make(300)
    numbers = report(
        paths_in(tmp_path), splits, (scored, None), Calibration(tuple(scored.classes)), np.zeros(300, bool), Params()
    )
    assert "against_base" not in numbers
    confusion = pd.read_csv(tmp_path / "plots/confusion.csv")
    assert len(confusion) == (splits.split == "test").sum()
    recall = pd.read_csv(tmp_path / "plots/recall.csv")
    assert recall["class"].tolist() == scored.classes


def test_facts_of_an_empty_table(tmp_path):
    empty = pd.DataFrame(columns=tables.PREDICTIONS.columns, dtype=object)
    tables.write(empty, tmp_path / "p.parquet", tables.PREDICTIONS)
    assert len(read_facts(tmp_path / "p.parquet", ["cat"])) == 0


def test_what_is_not_a_number_is_left_out():
    assert split_metrics.tidy({"a": float("nan"), "b": {"c": float("nan")}, "d": 1.0, "e": 3}) == {"d": 1.0, "e": 3}


def test_val_labels_that_were_reviewed_blind_are_trusted_and_still_measured():
    splits, scored, _, _ = rounds.make(600, flip=0.05)
    seen, val = np.zeros(len(splits), bool), splits["split"] == "val"
    plain = calibrate(splits, scored, seen, 0)
    told = calibrate(splits.assign(audited=val), scored, seen, 0)
    assert told.label_noise < plain.label_noise
    assert told.curve.total == plain.curve.total > 0.8 * val.sum()  # the OOD gate keeps the same images
    again = calibrate(splits.assign(audited=False), scored, seen, 0)
    assert (again.label_noise, again.temperature) == (plain.label_noise, plain.temperature)

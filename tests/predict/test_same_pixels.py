"""One file gives the same pixels, and so the same answer, in the evaluation, in identification and in a notebook."""

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from factories import odd_files as odd
from factories.pictures import encoded
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_sample_images

from curation import tables
from curation.images.image_measures import Settings
from curation.images.opening import UnreadableImage, open_image
from curation.images.store.model_input import ModelInput, ModelInputError
from curation.images.store.pixel_store import write_store
from curation.images.store.pixels import Pixels
from curation.model import checkpoint
from curation.model.backbone import Spec, build
from curation.model.header import Header, read_header
from curation.params import Params
from curation.params.blocks import Resize
from curation.pool.file_sources import items
from curation.pool.identify_folder import identify_items
from curation.predict.decode import Decoder, Item
from curation.predict.model_lookup import open_model
from curation.predict.predictor import Predictor
from curation.predict.score_files import score_batches
from curation.predict.score_store import score
from curation.project import Project

SIZE = 96  # smaller than most of the photographs, larger than one
CLASSES = tuple("abcde")
PARAMS = Params.model_validate({"identify": {"workers": 1, "batch_size": 8}, "ingest": {"background": "black"}})
STORES = [Resize(workers=1, store="jpeg", quality=80), Resize(workers=1, store="array")]


def odd_files(image):
    """Forms that most readers get wrong: name -> bytes."""
    grey, plain = np.asarray(image.convert("L")), np.asarray(image)
    blank = Image.new("RGBA", image.size, (0, 0, 0, 0))
    made = {
        "no_end.jpg": encoded(image, "JPEG")[:-2],
        "twelve.tif": odd.tiff(grey.astype(np.uint16) * 16),
        "real.tif": odd.tiff((plain / 255).astype(np.float32)),
        "profile.png": encoded(image, "PNG", icc_profile=odd.wide_gamut()),
        "gamma.png": odd.with_gamma(encoded(image, "PNG"), 1.0),
        "alpha0.bmp": odd.bmp_without_alpha(plain),
        "late.gif": encoded(blank, "GIF", save_all=True, append_images=[image.convert("RGBA")] * 2, duration=100),
    }
    exif = Image.Exif()
    exif[274] = 8
    glass = Image.merge("LA", (image.convert("L"), Image.linear_gradient("L").resize(image.size)))
    made |= {
        "progressive.jpg": encoded(image, "JPEG", progressive=True, exif=exif),
        "turned.webp": encoded(image, "WEBP", exif=exif),
        "turned.png": encoded(image, "PNG", exif=exif),
        "deep_turned.tif": odd.tiff(plain.astype(np.uint16) * 257, t274=6),
        "signed.tif": odd.tiff(grey.astype(np.int16) * 128),
        "over.tif": odd.tiff((plain / 254).astype(np.float32)),
        "palette.png": encoded(image.quantize(32), "PNG", transparency=bytes(range(0, 256, 8))),
        "glass.png": encoded(glass, "PNG", icc_profile=odd.grey_profile(1.0)),
        "one.png": encoded(image.convert("1"), "PNG"),
        "lossless.webp": encoded(image.convert("RGBA"), "WEBP", lossless=True, icc_profile=odd.wide_gamut()),
        "packed.tif": encoded(image, "TIFF", compression="tiff_lzw"),
        "x.avif": encoded(image, "AVIF"),
        "x.jp2": encoded(image, "JPEG2000"),
        "x.ppm": b"P6\n%d %d\n4095\n" % image.size + (plain.astype(">u2") * 16).tobytes(),
        "icon.ico": encoded(image.resize((64, 64)), "ICO"),
    }
    if find_spec("pillow_heif"):
        import pillow_heif

        pillow_heif.register_heif_opener()
        made["x.heic"] = encoded(image, "HEIF", exif=exif.tobytes())
    if find_spec("pydicom"):
        made["x.dcm"] = odd.dicom(grey, WindowCenter=2048, WindowWidth=4096)
    if find_spec("rawpy") and find_spec("tifffile"):
        made["x.dng"] = odd.mosaic_dng(plain[:200, :320])
    if find_spec("pillow_jxl"):
        import pillow_jxl  # noqa: F401 - it registers itself

        made["x.jxl"] = encoded(image, "JXL")
    return made


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Photographs in the forms that are read differently, as rows of image_id, path and turn."""
    folder = tmp_path_factory.mktemp("photographs")
    china, flower = (Image.fromarray(array) for array in load_sample_images().images)
    china.save(folder / "plain.jpg", quality=90)
    flower.resize((3200, 2130)).save(folder / "large.jpg", quality=85)
    exif = Image.Exif()
    exif[274] = 6
    china.save(folder / "turned.jpg", exif=exif)
    flower.convert("CMYK").save(folder / "cmyk.jpg")
    flower.convert("L").save(folder / "grey.jpg")
    glass = china.convert("RGBA")
    glass.putalpha(Image.linear_gradient("L").resize(china.size))
    glass.save(folder / "transparent.png")
    deep = np.asarray(flower.convert("L"), np.uint16) * 257
    Image.fromarray(deep).save(folder / "deep.png")
    flower.resize((90, 60)).save(folder / "small.png")
    china.save(folder / "sideways.png")
    for name, data in odd_files(flower.resize((320, 213))).items():
        (folder / name).write_bytes(data)
    rows = []
    for path in sorted(folder.iterdir()):
        turn = 90 if path.name == "sideways.png" else 0
        rows.append((hashlib.md5(path.read_bytes()).hexdigest(), str(path), turn))
    return pd.DataFrame(rows, columns=["image_id", "path", "turn"]).sort_values("image_id", ignore_index=True)


@pytest.fixture(scope="module", params=STORES, ids=["jpeg", "array"])
def round_(request, photographs, tmp_path_factory):
    """The pixel store of the photographs, and a checkpoint that says that it learnt from it."""
    folder = tmp_path_factory.mktemp("round")
    wanted = photographs.copy()
    wanted.attrs["background"] = "black"
    write_store(wanted, folder / "pixels", folder / "cache", SIZE, request.param)
    pixels = Pixels(folder / "pixels")
    torch.manual_seed(0)
    model = build(Spec("resnet18", SIZE), len(CLASSES))
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    header = Header("resnet18", CLASSES, SIZE, mean, std, pixels=pixels.input.facts())
    path = folder / "model.safetensors"
    checkpoint.save(path, model.state_dict(), header)
    return pixels, path, folder


def test_a_file_gets_the_same_logits_in_evaluate_and_in_identify(photographs, round_):
    pixels, path, folder = round_
    evaluated = score(path, pixels, photographs.image_id, 4, folder / "scratch")
    known = [""] * len(photographs)
    rows = zip(photographs.path, known, photographs.image_id, photographs.turn, strict=True)
    asked = [Item(*row) for row in rows]
    decoder = Decoder(read_header(path).input, Settings.of(PARAMS))
    (batch,) = score_batches([asked], path, decoder, PARAMS)
    assert [image.error for image in batch.images] == known
    assert np.ptp(evaluated.logits) > 0.1
    assert np.abs(batch.logits - evaluated.logits).max() < 1e-3
    assert np.abs(batch.embeddings - evaluated.embeddings).max() < 1e-2  # they are kept in half precision


def test_a_file_gets_bit_for_bit_the_pixels_of_the_store(photographs, round_):
    pixels, path, _ = round_
    decoder = Decoder(read_header(path).input, Settings.of(PARAMS))
    stored = pixels.batch(pixels.rows(photographs.image_id))
    for row, kept in zip(photographs.itertuples(), stored, strict=True):
        assert np.array_equal(decoder(Item(row.path, turn=row.turn)).pixels, kept), row.path


def test_a_folder_and_a_notebook_get_the_confidence_of_the_evaluation(photographs, round_):
    pixels, path, folder = round_
    upright = photographs[photographs.turn == 0]
    model = open_model(path)
    logits = score(path, pixels, upright.image_id, 4, folder / "few").logits
    sure = model.calibration.probabilities(np.asarray(logits))
    asked = Predictor(model, params=PARAMS).predict(upright.path)
    assert np.abs(np.stack(asked.pred_probs) - sure).max() < 1e-4
    assert asked.image_id.tolist() == upright.image_id.tolist()
    place, out = str(Path(upright.path.iloc[0]).parent), folder / "out.parquet"
    identify_items(items(place, folder), model, PARAMS, out, Project(folder))
    found = tables.read(out, tables.IDENTIFIED).set_index("image_id").loc[upright.image_id]
    assert np.abs(found.confidence.to_numpy() - sure.max(1)).max() < 1e-4
    assert found.label.tolist() == asked.label.tolist()


def test_a_prediction_of_a_file_that_cannot_be_read_says_why(round_, tmp_path):
    (tmp_path / "note.jpg").write_text("no picture")
    Image.new("RGB", (30, 20), "red").save(tmp_path / "red.png")
    found = Predictor(open_model(round_[1]), params=PARAMS).predict([tmp_path / "note.jpg", tmp_path / "red.png"])
    assert found.error.tolist()[1] == ""
    assert "not an image" in found.error[0]
    assert found.label[0] == ""
    assert np.isnan(found.confidence[0])
    assert len(found.pred_probs[1]) == len(CLASSES)
    assert Predictor(open_model(round_[1])).predict([]).columns.tolist() == found.columns.tolist()


@given(
    size=st.integers(1, 40),
    quality=st.integers(1, 100),
    turn=st.sampled_from([0, 90, 180, 270]),
    seed=st.integers(0, 99),
    kind=st.sampled_from(["array", "jpeg"]),
)
def test_pixels_are_what_the_store_gives_back(size, quality, turn, seed, kind):
    """Whatever the setting, a header carries it, and what is stored decodes to what the model is asked about."""
    how = ModelInput(size, kind, quality if kind == "jpeg" else 0, "#a0b0c0")
    again = ModelInput.of(size, how.facts())
    image = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (31, 17, 3), dtype=np.uint8))
    assert again == how
    assert np.array_equal(again.pixels(image, turn), how.from_stored(how.to_stored(image, turn)))


def test_a_checkpoint_without_the_record_is_read_as_an_array_on_white(tmp_path):
    assert ModelInput.of(32, {}) == ModelInput(32, "array", 0, "white")
    assert ModelInput(32).facts() == {}
    with pytest.raises(ModelInputError, match="newer"):
        ModelInput.of(32, {"kind": "webp"})


def test_a_large_image_is_read_up_to_the_projects_limit(tmp_path):
    """The limit of `ingest.max_megapixels` holds in the store as it does in ingest and in identify."""
    path = tmp_path / "wide.jpg"
    Image.new("L", (20_000, 13_000)).save(path)
    image_id = hashlib.md5(path.read_bytes()).hexdigest()
    wanted = pd.DataFrame({"image_id": [image_id], "path": [str(path)], "turn": [0]})
    wanted.attrs["max_megapixels"] = 300
    assert write_store(wanted, tmp_path / "out", tmp_path / "cache", 16, Resize(workers=1)).images == 1
    settings = Settings(max_megapixels=300)
    assert Decoder(ModelInput(16), settings)(Item(str(path), image_id=image_id)).error == ""
    with pytest.raises(UnreadableImage, match="too large"):
        open_image(path)

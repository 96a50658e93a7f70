"""Hashes are those of imagehash and PDQ, in every orientation, and tell how much there was to hash."""

import imagehash
import numpy as np
import pytest
from PIL import Image

from curation.images.hashing import HashError, check, detail, dihedral, doubtful, grid, orient

THEIRS = {
    "phash": imagehash.phash,
    "dhash": imagehash.dhash,
    "ahash": imagehash.average_hash,
    "whash": imagehash.whash,
}
SIZES = [(kind, bits) for kind in THEIRS for bits in (64, 144, 256) if (kind, bits) != ("whash", 144)]


def turned(image: Image.Image, index: int) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(orient(np.asarray(image), index)))


@pytest.mark.parametrize(("kind", "bits"), SIZES)
@pytest.mark.parametrize("size", [(28, 28), (120, 90), (301, 203), (64, 500)])
@pytest.mark.parametrize("grey", [False, True])
def test_hash_is_bit_for_bit_that_of_imagehash(picture, kind, bits, size, grey):
    for seed in range(4):
        image = picture(seed, size).convert("L" if grey else "RGB")
        theirs = str(THEIRS[kind](image, hash_size=round(bits**0.5)))
        assert dihedral(image.convert("RGB"), kind, bits)[0].tobytes().hex() == theirs


@pytest.mark.parametrize(("kind", "bits"), [*SIZES, ("pdq", 256)])
@pytest.mark.parametrize("index", range(8))
def test_each_orientation_is_the_hash_of_the_turned_image(picture, kind, bits, index):
    if kind == "pdq":
        pytest.importorskip("pdqhash")
    for seed in range(4):
        image = picture(seed, (256, 192))
        ours, theirs = dihedral(image, kind, bits)[index], dihedral(turned(image, index), kind, bits)[0]
        # Pillow rounds between its two passes, so turning before or after may change a bit at the median.
        assert np.unpackbits(ours ^ theirs).sum() <= bits // 32


def test_pdq_is_metas(picture):
    pdqhash = pytest.importorskip("pdqhash")
    image = picture(1, (256, 192))
    assert (np.unpackbits(dihedral(image, "pdq", 256)[0]) == pdqhash.compute(np.asarray(image))[0]).all()


def test_orientations_are_the_eight_different_ones():
    corner = np.arange(6).reshape(2, 3)
    assert len({orient(corner, index).tobytes() + bytes(orient(corner, index).shape) for index in range(8)}) == 8
    assert (orient(corner, 1) == np.rot90(corner)).all()
    assert (orient(corner, 4) == corner[:, ::-1]).all()
    assert (orient(np.stack([corner] * 2), 5, (1, 2))[1] == orient(corner, 5)).all()


@pytest.mark.parametrize(("kind", "bits", "words"), [("pdq", 64, "256 bits"), ("whash", 144, "64 or 256")])
def test_a_hash_that_does_not_exist_is_refused(kind, bits, words):
    with pytest.raises(HashError, match=words):
        check(kind, bits)


def test_quality_is_nothing_for_flat_images_and_grows_with_detail():
    slope = Image.linear_gradient("L").resize((50, 50))
    cells = [grid(Image.new("L", (50, 50), 90), 32), grid(slope, 32)]
    noise = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    flat, smooth, rough = (detail(one) for one in (*cells, noise))
    assert flat == 0 < smooth < 1
    assert rough == 1
    assert detail((noise % 3 + 100).astype(np.uint8)) == 0  # grain of a level or two is no detail


def test_a_hash_that_hangs_on_rounding_is_told(picture):
    flat = grid(Image.new("L", (50, 50), 90), 32)
    assert doubtful(flat)
    shares = [doubtful(grid(picture(seed, (256, 192)).convert("L"), 32)) for seed in range(30)]
    assert sum(shares) < 6

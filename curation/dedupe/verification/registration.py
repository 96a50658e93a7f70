"""Where one picture lies on another: by matched keypoints, by the coarse view in eight orientations, refined by ECC.

Keypoints are matched by the ratio test (Lowe 2004). RANSAC finds a similarity, MAGSAC (Barath et al. 2019) a
homography where it explains as much, and ECC (Evangelidis and Psarakis 2008) moves it to fractions of a pixel. All
random numbers of OpenCV's RANSAC start from a fixed seed at each call.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from curation.dedupe.verification.compared_picture import GRID, MIRRORED, Box, ComparedPicture, Pixels, Reals

Matrix = NDArray[Any]  # float64 [3, 3], from pixels of the second picture to pixels of the first

RATIO = 0.75  # a match is this much nearer than the second nearest
LEAST_COSINE = 0.75
LEAST_MATCHES = 8
CELLS = 6  # the picture is divided into 6 x 6 cells, to see how far inliers are spread
NEAR, NEARER = 4.0, 2.5  # pixels within which a match is an inlier of the similarity, of the homography
SHARE_KEPT = 0.8  # share of the similarity's inliers that a homography must keep
TILT, STRETCH, LEAST_SCALE = 0.3, 2.5, 0.05  # what a homography may do to a picture
SURE = 20  # inliers from which keypoints are preferred to the coarse view
PREFERRED = 0.15  # correlation by which they are
UPRIGHT = 0.03  # correlation by which the upright orientation is preferred
CHOICE = 96  # pixels of the long side at which the transforms are compared
REFINED = 160  # and at which the best is refined
FAR = 0.12  # share of the side by which a refinement may move a corner
CONTRAST = 4.0  # grey levels added to the spread, so that flat parts do not correlate by chance


class Placed(NamedTuple):
    """matrix of the second picture onto the first; inliers, and the cells of the first they lie in; orientation."""

    matrix: Matrix
    inliers: int
    cells: int
    orientation: int
    by_points: bool


class Matched(NamedTuple):
    """A transform by keypoints: matrix, number of inliers, their places in the first picture float32 [k, 2]."""

    matrix: Matrix | None
    inliers: int
    places: Reals


def register(one: ComparedPicture, other: ComparedPicture) -> Placed | None:
    """Find where `other` lies on `one`; None where they do not overlap."""
    best = max((match(one, other, mirrored) for mirrored in (False, True)), key=lambda found: found.inliers)
    coarse, orientation = by_frames(one, other)
    choices = [(False, coarse)]
    if best.matrix is not None and best.inliers >= LEAST_MATCHES:
        choices.insert(0, (True, best.matrix))
    scored = [
        (score + (PREFERRED if by_points and best.inliers >= SURE else 0), by_points, matrix)
        for by_points, matrix in choices
        if (score := agreement(one, other, matrix)) is not None
    ]
    if not scored:
        return None
    _, by_points, matrix = max(scored, key=lambda choice: choice[0])
    matrix = refine(one, other, matrix, homography=by_points and best.inliers >= 25)
    return Placed(
        matrix, best.inliers, _cells(best.places, one), turn_of(matrix) if by_points else orientation, by_points
    )


def match(one: ComparedPicture, other: ComparedPicture, mirrored: bool) -> Matched:
    """The transform of `other`, mirrored or not, onto `one` that most keypoints agree on."""
    none = Matched(None, 0, np.zeros((0, 2), np.float32))
    ours, theirs = one.features, other.features
    if not len(ours.places) or len(theirs.places) < 2:
        return none
    descriptors = theirs.descriptors[:, MIRRORED] if mirrored else theirs.descriptors
    near, kept = _ratio_test(ours.descriptors @ descriptors.T)
    if kept.sum() < LEAST_MATCHES:
        return none._replace(inliers=int(kept.sum()) // 2)
    source, target = theirs.places[near[kept]].copy(), ours.places[kept]
    if mirrored:
        source[:, 0] = other.width - 1 - source[:, 0]
    found = _similarity_or_homography(source, target, other)
    if found.matrix is None or not mirrored:
        return found
    return found._replace(matrix=found.matrix @ np.array([[-1.0, 0, other.width - 1], [0, 1, 0], [0, 0, 1]]))


def _ratio_test(cosines: Reals) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The nearest descriptor of each row, and whether it is much nearer than the second."""
    rows = np.arange(len(cosines))
    near = cosines.argmax(1)
    top = cosines[rows, near]
    cosines[rows, near] = -1
    second = cosines.max(1)
    kept = (2 - 2 * top < RATIO**2 * (2 - 2 * second) + 1e-9) & (top > LEAST_COSINE)
    return near, kept


def _similarity_or_homography(source: Reals, target: Reals, other: ComparedPicture) -> Matched:
    similar, inside = cv2.estimateAffinePartial2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=NEAR, maxIters=800, confidence=0.999
    )
    if not inside.any():
        return Matched(None, 0, target[:0])
    matrix, inliers = np.vstack([similar, [0, 0, 1]]), int(inside.sum())
    if inliers >= LEAST_MATCHES + 2:
        warped, kept = cv2.findHomography(source, target, cv2.USAC_MAGSAC, NEARER, maxIters=500, confidence=0.999)
        if warped is not None and kept.sum() >= SHARE_KEPT * inliers and _is_mild(warped, other):
            matrix, inside, inliers = warped, kept, int(kept.sum())
    return Matched(matrix, inliers, target[inside.ravel().astype(bool)])


def _is_mild(matrix: Matrix, other: ComparedPicture) -> bool:
    scales = np.linalg.svd(matrix[:2, :2], compute_uv=False)
    tilted = abs(matrix[2, 0]) * other.width >= TILT or abs(matrix[2, 1]) * other.height >= TILT
    return bool(not tilted and scales[1] > LEAST_SCALE and scales[0] / scales[1] < STRETCH)


def by_frames(one: ComparedPicture, other: ComparedPicture) -> tuple[Matrix, int]:
    """The transform, and its orientation, that lays frame on frame where the coarse views agree best.

    Whole frames are laid on each other, and frames without their borders.
    """
    best, found = -1.0, (one.whole, other.whole, 0)
    for ours, theirs in dict.fromkeys([(one.whole, other.whole), (one.inside, other.inside)]):
        scores = one.coarse[ours].turned[0] @ other.coarse[theirs].turned.T
        scores = np.abs(scores) / (one.coarse[ours].spread * other.coarse[theirs].spread + CONTRAST)
        scores[1:] -= UPRIGHT
        orientation = int(scores.argmax())
        if scores[orientation] > best:
            best, found = float(scores[orientation]), (ours, theirs, orientation)
    return frame_on_frame(*found), found[2]


def frame_on_frame(ours: Box, theirs: Box, orientation: int) -> Matrix:
    """Map one box, mirrored from orientation 4 on and then turned left, onto another."""
    wide, high = theirs.right - theirs.left, theirs.bottom - theirs.top
    matrix = np.array(
        [[1 / wide, 0, -(theirs.left - 0.5) / wide], [0, 1 / high, -(theirs.top - 0.5) / high], [0, 0, 1]]
    )
    if orientation >= 4:
        matrix = np.array([[-1.0, 0, 1], [0, 1, 0], [0, 0, 1]]) @ matrix
    for _ in range(orientation % 4):
        matrix = np.array([[0.0, 1, 0], [-1, 0, 1], [0, 0, 1]]) @ matrix
    wide, high = ours.right - ours.left, ours.bottom - ours.top
    return np.asarray(np.array([[wide, 0, ours.left - 0.5], [0, high, ours.top - 0.5], [0, 0, 1]]) @ matrix)


def turn_of(matrix: Matrix) -> int:
    """The orientation nearest to a transform: from 4 on mirrored, then turned left."""
    linear = matrix[:2, :2]
    mirrored = np.linalg.det(linear) < 0
    across, down = linear[:, 0] * (-1 if mirrored else 1)
    return int(np.rint(np.arctan2(-down, across) / (np.pi / 2))) % 4 + (4 if mirrored else 0)


def agreement(one: ComparedPicture, other: ComparedPicture, matrix: Matrix) -> float | None:
    """Correlation where the pictures overlap at CHOICE pixels, either sign; None where they hardly do."""
    share = CHOICE / max(one.width, one.height)
    size = (max(8, int(one.width * share)), max(8, int(one.height * share)))
    still = cv2.resize(one.grey, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    moved = scaling(share) @ matrix
    inside = cv2.warpPerspective(np.full_like(other.grey, 255), moved, size, flags=cv2.INTER_NEAREST) > 0
    if inside.mean() < 0.08:
        return None
    seen = cv2.GaussianBlur(cv2.warpPerspective(other.grey, moved, size, flags=cv2.INTER_AREA), (3, 3), 0.8)
    return abs(correlation(still[inside], seen.astype(np.float32)[inside]))


def correlation(one: Reals, other: Reals) -> float:
    """Correlation coefficient of two arrays of one shape."""
    if one.size < 20:
        return 0.0
    one, other = one - one.mean(), other - other.mean()
    spread = np.sqrt(float((one * one).sum()) * float((other * other).sum())) + one.size * CONTRAST
    return float((one * other).sum() / spread)


def scaling(across: float, down: float = 0.0) -> Matrix:
    """The matrix that scales pixels about the corner of the picture, where pixel centres lie at whole numbers."""
    down = down or across
    return np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]])


def refine(one: ComparedPicture, other: ComparedPicture, matrix: Matrix, *, homography: bool) -> Matrix:
    """Move a transform to the best correlation nearby; it stays as it is where that runs away."""
    if one.framed and not other.framed:
        return np.asarray(np.linalg.inv(refine(other, one, np.linalg.inv(matrix), homography=homography)))
    share = min(1.0, REFINED / max(one.width, one.height))
    still, to_still = _at_scale(one, share)
    factor = float(np.sqrt(abs(np.linalg.det((to_still @ matrix)[:2, :2]))))
    moving, to_moving = _at_scale(other, factor) if factor < 0.75 else (other.grey, np.eye(3))
    start = np.linalg.inv(to_still @ matrix @ np.linalg.inv(to_moving))
    start /= start[2, 2]
    mask = _shown(other, moving, to_moving) if other.framed else None
    kind = cv2.MOTION_HOMOGRAPHY if homography else cv2.MOTION_AFFINE
    try:
        first = (start if homography else start[:2]).astype(np.float32)
        _, found = cv2.findTransformECC(still, moving, first, kind, (3, 15, 5e-4), mask, 3)  # type: ignore[arg-type,call-overload,unused-ignore]
        end = np.vstack([found, [0, 0, 1]])[:3].astype(np.float64)
        high, wide = still.shape
        corners = np.array([[0, 0, 1], [wide, 0, 1], [0, high, 1], [wide, high, 1]], float).T
        before, after = start @ corners, end @ corners
        if np.abs(before[:2] / before[2] - after[:2] / after[2]).max() > FAR * max(moving.shape):
            return matrix
        return np.asarray(np.linalg.inv(to_still) @ np.linalg.inv(end) @ to_moving)
    except (cv2.error, np.linalg.LinAlgError):  # ECC says so where it does not converge
        return matrix


def _shown(picture: ComparedPicture, pixels: Pixels, to_pixels: Matrix) -> Pixels:
    """Where the picture at another size shows something, borders apart; uint8 [h, w], 255 there."""
    left, top, right, bottom = inside_of(picture, to_pixels)
    mask: Pixels = np.zeros(pixels.shape[:2], np.uint8)
    mask[top:bottom, left:right] = 255
    return mask


def inside_of(picture: ComparedPicture, to_pixels: Matrix) -> Box:
    """The box without borders, at the size that a scaling leads to."""
    box = picture.inside
    corners = np.array([[box.left - 0.5, box.top - 0.5, 1], [box.right - 0.5, box.bottom - 0.5, 1]]).T
    (left, right), (top, bottom) = (to_pixels @ corners)[:2] + 0.5
    return Box(int(np.ceil(left)), int(np.ceil(top)), int(right), int(bottom))


def slip(one: ComparedPicture, before: Matrix, after: Matrix) -> float:
    """The pixels of the first picture by which two transforms put a corner of it elsewhere, at most."""
    corners = np.array([[0, 0, 1], [one.width, 0, 1], [0, one.height, 1], [one.width, one.height, 1]], float).T
    moved = after @ np.linalg.inv(before) @ corners
    return float(np.abs(moved[:2] / moved[2] - corners[:2]).max())


def _at_scale(picture: ComparedPicture, share: float) -> tuple[Pixels, Matrix]:
    size = (max(GRID // 2, round(picture.width * share)), max(GRID // 2, round(picture.height * share)))
    small = np.asarray(cv2.resize(picture.grey, size, interpolation=cv2.INTER_AREA))
    return small, scaling(size[0] / picture.width, size[1] / picture.height)


def _cells(places: Reals, one: ComparedPicture) -> int:
    """In how many of the 6 x 6 cells of the picture the places lie."""
    across, down = (places[:, 0] * CELLS / one.width).astype(int), (places[:, 1] * CELLS / one.height).astype(int)
    return len(set(zip(across.tolist(), down.tolist(), strict=True)))

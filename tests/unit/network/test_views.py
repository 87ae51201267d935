"""Views: determined by name, seed and epoch, uniform, and using only the image's own pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from workflow.lib.common.name_seeds import name_keys
from workflow.lib.network.views import (
    Tones,
    Views,
    apply_tones,
    apply_views,
    central_views,
    draw_tones,
    draw_views,
)

NAMES = [f"J{number:06d}.00+000000.0" for number in range(20000)]


def view(angle=0.0, flip_x=0.0, flip_y=0.0, left=0, top=0):
    values = np.float32([angle]), np.float32([flip_x]), np.float32([flip_y])
    return Views(*values, np.int32([left]), np.int32([top]))


def look(image, crop=None, **how):
    """Apply one view to one image."""
    seen = apply_views(image[None, :, :, None], view(**how), crop or len(image))
    return np.asarray(seen)[0, :, :, 0]


def slow_look(image, angle, flip_x, flip_y, left, top, crop):
    """Apply a view pixel by pixel; also mark pixels whose nearest source is ambiguous."""
    size = len(image)
    middle = (size - 1) / 2
    mirrored = np.concatenate([np.arange(size), np.arange(size)[::-1]])
    seen, tie = np.empty((crop, crop), np.float32), np.zeros((crop, crop), bool)
    for row in range(crop):
        for column in range(crop):
            y, x = top + row - middle, left + column - middle
            x, y = (-x if flip_x else x), (-y if flip_y else y)
            exact_x = np.cos(angle) * x - np.sin(angle) * y + middle
            exact_y = np.sin(angle) * x + np.cos(angle) * y + middle
            source_x, source_y = round(exact_x), round(exact_y)
            off = max(abs(exact_x - source_x), abs(exact_y - source_y))
            tie[row, column] = off > 0.5 - 1e-4
            seen[row, column] = image[mirrored[source_y % (2 * size)]][
                mirrored[source_x % (2 * size)]
            ]
    return seen, tie


def numbered(size):
    """An image whose pixels all differ."""
    return np.arange(size * size, dtype=np.float32).reshape(size, size)


@given(
    order=st.permutations(range(12)),
    batch=st.integers(1, 12),
    seed=st.integers(0, 2**32 - 1),
    epoch=st.integers(0, 1000),
)
def test_a_galaxys_view_is_the_same_in_any_order_and_batch(order, batch, seed, epoch):
    def draw(names):
        keys = name_keys(names)
        tones = draw_tones(keys, seed, epoch, 0.25, 0.1)
        return [*draw_views(keys, seed, epoch, 300, 224), *tones]

    together = draw(NAMES[:12])
    for first in range(0, 12, batch):
        some = order[first : first + batch]
        for ours, theirs in zip(draw([NAMES[i] for i in some]), together, strict=True):
            np.testing.assert_array_equal(ours, theirs[some])


def test_the_keys_of_names_are_the_same_on_every_machine():
    # The first 8 bytes of the SHA-256 of "abc" (FIPS 180-4), lowest byte first.
    assert name_keys(["abc"]).tolist() == [0xEACF018FBF1678BA]
    assert len(np.unique(name_keys(NAMES))) == len(NAMES)


@pytest.mark.parametrize(("seed", "epoch"), [(1, 1), (2, 0), (0, 1)])
def test_another_seed_or_epoch_gives_other_views(seed, epoch):
    keys = name_keys(NAMES[:1000])
    first, other = draw_views(keys, 1, 0, 300, 224), draw_views(keys, seed, epoch, 300, 224)
    assert (first.angle == other.angle).sum() == 0
    assert abs(np.corrcoef(first.angle, other.angle)[0, 1]) < 0.1
    assert 0.4 < (first.flip_x == other.flip_x).mean() < 0.6


def test_views_are_uniform():
    views = draw_views(name_keys(NAMES), 1, 0, 300, 224)
    assert stats.kstest(views.angle, stats.uniform(0, 2 * np.pi).cdf).pvalue > 0.01
    for shift in (views.left, views.top):
        assert stats.chisquare(np.bincount(shift, minlength=77)).pvalue > 0.01
    for flip in (views.flip_x, views.flip_y):
        assert set(flip) == {0, 1}
        assert stats.binomtest(int(flip.sum()), len(NAMES)).pvalue > 0.01


def test_tones_are_uniform_around_the_unchanged_image():
    contrast, brightness = draw_tones(name_keys(NAMES), 1, 1, 0.25, 0.1)
    assert contrast.dtype == brightness.dtype == np.float32
    assert stats.kstest(contrast, stats.uniform(0.75, 0.5).cdf).pvalue > 0.01
    assert stats.kstest(brightness, stats.uniform(-0.1, 0.2).cdf).pvalue > 0.01


def test_the_parts_of_a_view_and_a_tone_are_independent_of_each_other():
    keys = name_keys(NAMES)
    parts = np.stack([*draw_views(keys, 1, 0, 300, 224), *draw_tones(keys, 1, 0, 0.25, 0.1)])
    correlations = np.corrcoef(parts)[np.triu_indices(7, 1)]
    assert np.abs(correlations).max() < 0.03


@given(st.integers(32, 500), st.integers(0, 468))
def test_crops_stay_within_the_image(crop, margin):
    views = draw_views(name_keys(NAMES[:200]), 1, 0, crop + margin, crop)
    for shift in (views.left, views.top):
        assert shift.min() >= 0
        assert shift.max() <= margin
        assert shift.dtype == np.int32


def test_every_offset_of_a_crop_occurs():
    views = draw_views(name_keys(NAMES[:1000]), 1, 0, 35, 32)
    assert set(views.left) == set(views.top) == {0, 1, 2, 3}


@settings(max_examples=25)
@given(
    angle=st.floats(0, 6.28),
    flip_x=st.booleans(),
    flip_y=st.booleans(),
    data=st.data(),
)
def test_views_agree_with_a_slow_look_up(angle, flip_x, flip_y, data):
    size = data.draw(st.sampled_from([16, 17]))
    crop = data.draw(st.sampled_from([9, 12]))
    left, top = (data.draw(st.integers(0, size - crop)) for _ in range(2))
    image = numbered(size)
    ours = look(image, crop, angle=angle, flip_x=flip_x, flip_y=flip_y, left=left, top=top)
    theirs, tie = slow_look(image, angle, flip_x, flip_y, left, top, crop)
    np.testing.assert_array_equal(ours[~tie], theirs[~tie])


@pytest.mark.parametrize("size", [8, 9])
def test_flips_crops_and_right_angles_are_exact(size):
    image = numbered(size)
    np.testing.assert_array_equal(look(image), image)
    np.testing.assert_array_equal(look(image, flip_x=1), np.fliplr(image))
    np.testing.assert_array_equal(look(image, flip_y=1), np.flipud(image))
    np.testing.assert_array_equal(look(image, 5, left=2, top=1), image[1:6, 2:7])
    for turns in range(4):
        turned = look(image, angle=turns * np.pi / 2)
        np.testing.assert_array_equal(turned, np.rot90(image, turns))


def test_a_crop_is_cut_from_the_turned_and_flipped_image():
    image = numbered(9)
    seen = look(image, 4, angle=np.pi / 2, flip_x=1, left=3, top=1)
    whole = look(image, angle=np.pi / 2, flip_x=1)
    np.testing.assert_array_equal(seen, whole[1:5, 3:7])


def test_rotations_fill_corners_with_the_image_mirrored_at_its_edge():
    image = numbered(16)
    mirrored = np.pad(image, 16, mode="symmetric")
    corner = look(image, angle=np.pi / 4)[0, 0]
    reach = 7.5 * (np.sqrt(2) - 1)
    # The corner of the crop lies this far outside the middle of an edge.
    outside = {mirrored[16 - round(reach), 16 + place] for place in (7, 8)}
    outside |= {mirrored[16 + place, 31 + round(reach)] for place in (7, 8)}
    assert corner in outside


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_no_pixel_value_is_invented(seed):
    images = np.random.default_rng(seed).integers(0, 256, (4, 24, 24), np.uint8)
    images[:, ::2] = 0
    views = draw_views(name_keys(NAMES[:4]), seed, 0, 24, 20)
    seen = np.asarray(apply_views(images[..., None], views, 20))
    assert seen.shape == (4, 20, 20, 1)
    assert seen.dtype == np.float32
    for image, ours in zip(images, seen, strict=True):
        assert set(np.unique(ours)) <= set(np.unique(image).astype(np.float32))


def test_images_of_a_batch_do_not_mix():
    images = np.stack([np.full((12, 12), value, np.uint8) for value in (3, 200, 90)])
    seen = np.asarray(
        apply_views(images[..., None], draw_views(name_keys(NAMES[:3]), 1, 0, 12, 8), 8)
    )
    assert [set(np.unique(one)) for one in seen] == [{3}, {200}, {90}]


@pytest.mark.parametrize(("size", "crop", "first"), [(10, 4, 3), (11, 4, 3), (8, 8, 0)])
def test_central_views_crop_the_middle_and_change_nothing_else(size, crop, first):
    images = np.stack([numbered(size), numbered(size)[::-1]])
    seen = np.asarray(apply_views(images[..., None], central_views(2, size, crop), crop))[..., 0]
    part = slice(first, first + crop)
    np.testing.assert_array_equal(seen, images[:, part, part])


@given(st.integers(0, 2**32 - 1), st.floats(0, 0.99), st.floats(0, 0.99))
@settings(max_examples=25)
def test_each_image_is_scaled_and_shifted_by_its_own_tone_within_range(seed, contrast, brightness):
    seen = np.random.default_rng(seed).uniform(0, 255, (3, 8, 8, 1)).astype(np.float32)
    tones = draw_tones(name_keys(NAMES[:3]), seed, 1, contrast, brightness)
    toned = np.asarray(apply_tones(seen, tones))
    for before, after, scale, shift in zip(seen, toned, *tones, strict=True):
        wanted = np.clip(before * float(scale) + 255 * float(shift), 0, 255)
        np.testing.assert_allclose(after, wanted, rtol=1e-5, atol=1e-3)


def test_a_tone_of_no_contrast_and_brightness_changes_no_bit():
    seen = np.arange(256, dtype=np.float32).reshape(1, 16, 16, 1)
    tones = draw_tones(name_keys(NAMES[:1]), 1, 1, 0, 0)
    assert tones == Tones(np.float32([1]), np.float32([0]))
    np.testing.assert_array_equal(apply_tones(seen, tones), seen)

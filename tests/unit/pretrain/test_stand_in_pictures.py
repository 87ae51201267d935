"""Pictures: determined by their seed, varied within a class, and recognisable as their class."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from workflow.lib.pretrain.stand_in_figures import FIGURES
from workflow.lib.pretrain.stand_in_pictures import CLASSES, draw_picture, draw_pictures
from workflow.lib.pretrain.stand_in_textures import TEXTURES

SIZE = 40


@pytest.fixture(scope="module")
def pictures():
    """Twenty of each class."""
    return draw_pictures(20 * len(CLASSES), 5, SIZE)


def test_there_are_many_classes_and_each_has_one_name():
    assert len(set(CLASSES)) == len(CLASSES) == len(TEXTURES) + len(FIGURES) >= 60


@pytest.mark.parametrize("name", CLASSES)
def test_a_picture_of_each_class_is_determined_by_seed_and_index(name):
    picture = draw_picture(name, 1, 2, SIZE)
    assert picture.shape == (SIZE, SIZE, 3)
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, draw_picture(CLASSES.index(name), 1, 2, SIZE))
    assert not np.array_equal(picture, draw_picture(name, 1, 3, SIZE))
    assert not np.array_equal(picture, draw_picture(name, 2, 2, SIZE))
    # The picture is never uniform.
    assert picture.std() > 2


@pytest.mark.parametrize("size", [17, 64, 86])
def test_any_size_is_drawn(size):
    for label in range(0, len(CLASSES), 5):
        assert draw_picture(label, 0, label, size).shape == (size, size, 3)


def test_the_global_random_state_is_neither_read_nor_changed():
    np.random.seed(1)  # noqa: NPY002
    before = draw_picture("house", 0, 0, SIZE)
    np.random.seed(2)  # noqa: NPY002
    assert np.array_equal(before, draw_picture("house", 0, 0, SIZE))


def test_classes_are_balanced_in_every_part(pictures):
    images, labels = pictures
    assert images.shape == (20 * len(CLASSES), SIZE, SIZE, 3)
    assert images.dtype == np.uint8
    assert np.issubdtype(labels.dtype, np.integer)
    assert set(np.bincount(labels, minlength=len(CLASSES))) == {20}
    assert set(np.bincount(labels[37 : 37 + 2 * len(CLASSES)], minlength=len(CLASSES))) == {2}


def test_each_picture_is_determined_by_its_label_and_index(pictures):
    images, labels = pictures
    for index in (0, 63, 64, len(images) - 1):
        assert np.array_equal(images[index], draw_picture(labels[index], 5, index, SIZE))


def test_pictures_of_a_class_differ_much(pictures):
    images, labels = pictures
    for label, name in enumerate(CLASSES):
        of_class = images[labels == label].astype(float)
        # Between pictures, pixel by pixel, as in a class of photographs.
        assert of_class.std(axis=0).mean() > 25, name


@pytest.mark.parametrize("count", [3, 150])
def test_the_number_of_processes_changes_nothing(count):
    one, two = draw_pictures(count, 3, 24, processes=1), draw_pictures(count, 3, 24, processes=2)
    assert one[0].tobytes() == two[0].tobytes()
    assert np.array_equal(one[1], two[1])
    assert len(one[0]) == len(one[1]) == count


def coarse(maps):
    """Average maps (n, SIZE, SIZE) in 8 x 8 blocks."""
    step = SIZE // 8
    return maps.reshape(len(maps), 8, step, 8, step).mean(axis=(2, 4)).reshape(len(maps), -1)


def features(images):
    """Coarse brightness and edges, and how much brightness changes over several distances."""
    grey = images.mean(axis=3)
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    grey /= grey.std(axis=(1, 2), keepdims=True)
    offsets = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 3), (3, 0), (0, 8), (8, 0))
    steps = [np.abs(grey - np.roll(grey, offset, (1, 2))) for offset in offsets]
    overall = np.transpose([step.mean(axis=(1, 2)) for step in steps])
    values = np.sort(grey.reshape(len(grey), -1), axis=1)[:, :: SIZE * SIZE // 16]
    return np.hstack([coarse(grey), coarse(steps[0] + steps[1]), overall, values])


@pytest.mark.thorough
def test_a_simple_classifier_beats_chance_but_is_not_enough(pictures):
    images, labels = pictures
    x, train = features(images), np.arange(len(images)) < 15 * len(CLASSES)
    forest = RandomForestClassifier(60, random_state=0).fit(x[train], labels[train])
    right = (forest.predict(x[~train]) == labels[~train]).mean()
    assert right > 4 / len(CLASSES)
    # Such simple features do not suffice: the task needs a network.
    assert right < 0.5


@pytest.mark.parametrize("label", [-1, len(CLASSES), "galaxy", ""])
def test_an_unknown_class_is_refused(label):
    with pytest.raises(ValueError, match=f"no class {label!r}.*0 to {len(CLASSES) - 1}"):
        draw_picture(label, 0, 0, SIZE)

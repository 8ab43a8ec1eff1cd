"""Distances of all shapes against numbers worked out by hand, and toys as unions of them."""

import numpy as np
import pytest

from tests.oracles import toy_distances
from zfutils.data.toybox import distance_field, primitives
from zfutils.data.toybox.draw import Draw
from zfutils.data.toybox.families import PRETRAINING, TRANSFER, family
from zfutils.data.toybox.primitives import ball, box, carried, cylinder, ellipsoid, rod, torus
from zfutils.data.toybox.solids import solid
from zfutils.data.toybox.toy import Toy

EVERY = (*PRETRAINING, *TRANSFER)


def distances(shape, *points):
    toy = Toy([solid(shape)])
    return toy.distance((np.array(points, np.float32) - toy.middle.astype(np.float32)).T)


@pytest.mark.parametrize(
    ("shape", "points", "expected"),
    [
        (ball("p", "main", (1, 2, 3), 0.5), [(1, 2, 5), (1, 2, 3.25), (4, 6, 3)], [1.5, -0.25, 4.5]),
        (ellipsoid("p", "main", (0, 0, 0), (1, 2, 3)), [(2, 0, 0), (0, 3, 0), (0, 0, 5), (0, 0, 3)], [1, 1, 2, 0]),
        (ellipsoid("p", "main", (0, 0, 0), (1, 3, 1), degrees=(0, 0, 90)), [(4, 0, 0), (0, 2, 0)], [1, 1]),
        (rod("p", "main", (0, 0, 0), (0, 2, 0), 0.5), [(0, 3, 0), (2, 1, 0), (0, -1, 0), (0, 1, 0)], [0.5, 1.5, 0.5, -0.5]),
        (rod("p", "main", (0, 0, 0), (3, 0, 0), 1.0, 0.5), [(5, 0, 0), (-3, 0, 0)], [1.5, 2]),
        (rod("p", "main", (0, 0, 0), (0, 5, 0), 3.0), [(3.8, 2, 0)], [0.8]),
        (box("p", "main", (0, 0, 0), (1, 2, 3), rounding=0), [(2, 0, 0), (2, 3, 0), (2, 3, 4), (0, 0, 0)], [1, 2**0.5, 3**0.5, -1]),
        (box("p", "main", (0, 0, 0), (1, 1, 1), rounding=0.5), [(2, 0, 0), (1.5, 1.5, 0)], [1, 2**0.5 - 0.5]),
        (
            box("p", "main", (0, 0, 0), (0.5, 1, 1), rounding=0, repeat=(3, 1, 1), spacing=(4, 1, 1)),
            [(4, 0, 0), (2, 0, 0), (8, 0, 0)],
            [-0.5, 1.5, 3.5],
        ),
        (
            box("p", "main", (0, 0, 0), (0.5, 1, 1), rounding=0, repeat=(2, 1, 1), spacing=(4, 1, 1)),
            [(2, 0, 0), (0, 0, 0), (-4, 0, 0)],
            [-0.5, 1.5, 1.5],
        ),
        (cylinder("p", "main", (0, 0, 0), 1, 2, rounding=0), [(3, 0, 0), (0, 5, 0), (4, 6, 0), (0, 0, 0)], [2, 3, 5, -1]),
        (cylinder("p", "main", (0, 0, 0), 1, 2, axis=(1, 0, 0), rounding=0.25), [(3, 0, 0), (0, 3, 0)], [1, 2]),
        (torus("p", "main", (0, 0, 0), 2, 0.5), [(2, 0, 0), (4, 0, 0), (0, 0, 0), (2, 3, 0)], [-0.5, 1.5, 1.5, 2.5]),
        (torus("p", "main", (0, 0, 0), 2, 0.5, axis=(0, 0, 1)), [(0, 4, 0), (0, 0, 0)], [1.5, 1.5]),
    ],
)
def test_distances_are_those_worked_out_by_hand(shape, points, expected):
    np.testing.assert_allclose(distances(shape, *points), expected, atol=2e-5)


def test_flank_of_a_round_cone_is_the_tangent_of_both_balls():
    # Radii 2 and 1, centres 2 apart: the flank leaves both at sine 1/2, so its normal is (cos 30, sin 30).
    shape = rod("p", "main", (0, 0, 0), (0, 2, 0), 2.0, 1.0)
    normal = np.array([np.cos(np.pi / 6), np.sin(np.pi / 6), 0])
    np.testing.assert_allclose(distances(shape, (0, 1, 0) + normal * 4), 4 - 1.5, atol=1e-5)


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
def test_distances_to_a_toy_are_those_of_all_its_shapes_one_after_the_other(one):
    """Those that are compiled leave out what is far away; the oracle leaves out nothing."""
    generator = np.random.default_rng(5)
    solids = one.build(Draw(generator))
    toy = Toy(solids)
    points = generator.normal(size=(3, 4000)) * toy.radius * generator.uniform(0.1, 2, 4000)
    np.testing.assert_allclose(
        toy.distance(points.astype(np.float32)), toy_distances.distance(solids, points.T + toy.middle), atol=2e-5 * toy.radius, rtol=1e-4
    )


def test_where_nothing_can_be_kept_each_process_compiles_for_itself(monkeypatch):
    def compiler(cache=False, **others):
        def compiled(function):
            if cache:
                raise RuntimeError("cannot cache function: no locator available")
            return function

        return compiled

    monkeypatch.setattr(distance_field, "njit", compiler)
    assert distance_field._compiled(abs) is abs


def test_bounding_sphere_holds_the_shape_and_its_repetitions():
    shapes = [shape for one in EVERY for piece in one.build(Draw(np.random.default_rng(7))) for shape in (*piece.shapes, *piece.hollows)]
    for shape in shapes:
        middle, radius = primitives.bounding_sphere(shape)
        directions = np.random.default_rng(8).normal(size=(200, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        extents = primitives.reach(shape, directions) - directions @ middle
        assert extents.max() <= radius + 1e-6
        assert extents.max() >= 0.55 * radius  # and is not much too large


def test_no_distance_outside_is_longer_than_the_way_to_the_nearest_surface_point():
    generator = np.random.default_rng(0)
    for shape in (ellipsoid("p", "main", (0, 0, 0), (0.2, 1, 0.6), degrees=(20, 30, 40)), torus("p", "main", (0, 0, 0), 1, 0.2)):
        toy = Toy([solid(shape)])
        cloud = generator.uniform(-1.5, 1.5, (3, 200_000)).astype(np.float32)
        inside = cloud[:, toy.distance(cloud) < 0]
        outside = cloud[:, toy.distance(cloud) > 0][:, :100]
        nearest = np.sqrt(((outside[:, :, None] - inside[:, None]) ** 2).sum(0)).min(1)
        assert (toy.distance(outside) <= nearest + 1e-5).all()


def test_repetition_equals_separate_boxes():
    points = np.random.default_rng(1).uniform(-3, 3, (500, 3))
    grid = box("p", "main", (0, 0, 0), (0.3, 0.2, 0.4), repeat=(3, 1, 2), spacing=(1.2, 1, 1.5))
    apart = [box("p", "main", (x, 0, z), (0.3, 0.2, 0.4)) for x in (-1.2, 0, 1.2) for z in (-0.75, 0.75)]
    separate = Toy([solid(*apart)]).distance(points.astype(np.float32).T)
    np.testing.assert_allclose(distances(grid, *points), separate, atol=1e-5)


def test_smooth_union_dips_by_a_quarter_of_its_radius_where_both_are_equally_near():
    left, right = ball("p", "main", (-1, 0, 0), 0.5), ball("p", "main", (1, 0, 0), 0.5)
    middle = np.zeros((3, 1), np.float32)
    assert Toy([solid(left, right)]).distance(middle)[0] == pytest.approx(0.5)
    assert Toy([solid(left, right, blend=0.8)]).distance(middle)[0] == pytest.approx(0.5 - 0.2)


def test_hollow_is_cut_out_and_labelled():
    toy = Toy([solid(ball("shell", "main", (0, 0, 0), 1), hollows=[ball("inside", "light", (0, 0, 0), 0.6)])])
    np.testing.assert_allclose(toy.distance(np.array([[0, 0.8, 2], [0] * 3, [0] * 3], np.float32)), [0.6, -0.2, 1], atol=1e-5)
    rows = toy.nearest(np.array([[0.61, 0.99], [0, 0], [0, 0]], np.float32))
    assert [toy.shapes[row].part for row in rows] == ["inside", "shell"]


def test_blend_together_with_a_hollow_is_refused():
    with pytest.raises(ValueError, match="make two solids"):
        solid(ball("p", "main", (0, 0, 0), 1), blend=0.1, hollows=[ball("q", "main", (0, 0, 0), 0.5)])


def test_normals_of_a_sphere_point_outwards():
    toy = Toy([solid(ball("p", "main", (0, 0, 0), 1))])
    points = np.random.default_rng(2).normal(size=(3, 50))
    points = (points / np.linalg.norm(points, axis=0)).astype(np.float32)
    np.testing.assert_allclose(toy.normals(points, 1e-3), points, atol=2e-3)


def test_carried_shape_keeps_its_distance_to_the_axis():
    shape = carried(ball("p", "main", (0, 1, 0), 0.1), z=90)
    np.testing.assert_allclose(shape.centre, (-1, 0, 0), atol=1e-12)


@pytest.mark.parametrize(
    "shape",
    [
        ellipsoid("p", "main", (0.1, 0.2, 0.3), (0.5, 1, 0.2), degrees=(10, 20, 30)),
        rod("p", "main", (0, 0, 0), (1, 1, 0), 0.3, 0.1),
        box("p", "main", (0, 0, 0), (0.3, 0.5, 0.2), rounding=0.1, degrees=(0, 0, 30), repeat=(2, 1, 1), spacing=(1.0, 1, 1)),
        cylinder("p", "main", (0, 0, 0), 0.4, 0.7, axis=(1, 0.5, 0.2), rounding=0),
        torus("p", "main", (0, 0, 0), 0.7, 0.2, axis=(1, 1, 0)),
    ],
)
def test_reach_is_the_extent_of_the_shape(shape):
    cloud = np.random.default_rng(3).uniform(-1.6, 1.6, (300_000, 3))
    inside = cloud[distances(shape, *cloud) <= 0]
    for direction in np.concatenate([np.eye(3), -np.eye(3), [[0.6, 0.8, 0]]]):
        found = (inside @ direction).max()
        assert found <= primitives.reach(shape, direction) + 1e-5
        assert found >= primitives.reach(shape, direction) - (0.12 if shape.rounding else 0.07)


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
def test_family_draws_at_least_six_parameters_and_builds_its_named_parts_only(one):
    first, second = Draw(np.random.default_rng(1)), Draw(np.random.default_rng(2))
    parts = {shape.part for build in (one.build(first), one.build(second)) for each in build for shape in (*each.shapes, *each.hollows)}
    assert sorted(parts) == sorted(one.parts)
    assert len(parts) >= 3
    assert len(first.shape) >= 6
    assert list(first.shape) == list(second.shape)
    assert sum(first.shape[name] != second.shape[name] for name in first.shape) >= 4


def test_there_are_twenty_families_and_twelve_others_without_a_name_in_common():
    assert len(PRETRAINING) == 20
    assert len(TRANSFER) == 12
    assert len({one.name for one in EVERY}) == 32


def test_no_transfer_class_has_the_parts_of_a_pretraining_class():
    known = [sorted(one.parts) for one in PRETRAINING]
    assert [one.name for one in TRANSFER if sorted(one.parts) in known] == []


def test_unknown_family_lists_those_that_exist():
    with pytest.raises(ValueError, match="unknown class of toys 'dragon'; known: dog, bear"):
        family("dragon")

"""Things: round ones, ones with a grid, and household goods."""

import numpy as np

from zfutils.data.toybox.draw import Draw
from zfutils.data.toybox.primitives import Primitive, ball, box, carried, cylinder, ellipsoid, rod, torus
from zfutils.data.toybox.solids import Solid, solid

_FRONT = (0, 0, 1)


def _ring(shape: Primitive, count: int) -> list[Primitive]:
    """A shape repeated around the axis to the viewer."""
    return [carried(shape, z=360 * number / count) for number in range(count)]


def wheel(d: Draw) -> list[Solid]:
    """Tyre, rim, spokes and hub."""
    spokes, tyre, rim = d.count("spokes", 3, 8), d.number("tyre", 0.13, 0.24), d.number("rim", 0.05, 0.09)
    spoke, hub, bulge = d.number("spoke_width", 0.05, 0.1), d.number("hub_radius", 0.15, 0.27), d.number("hub_height", 0.1, 0.22)
    inner = 1 - tyre - rim
    arm = rod("spokes", "main", (0, 0, 0), (0, inner, 0), spoke)
    knob = ball("knobs", "metal", (0, 0.62 * hub, bulge), 0.055)
    return [
        solid(torus("tyre", "dark", (0, 0, 0), 1 - tyre, tyre, axis=_FRONT)),
        solid(torus("rim", "second", (0, 0, 0), inner, rim, axis=_FRONT)),
        solid(*_ring(arm, spokes)),
        solid(cylinder("hub", "second", (0, 0, 0), hub, bulge, axis=_FRONT, rounding=0.04)),
        solid(*_ring(knob, spokes)),
    ]


def star(d: Draw) -> list[Solid]:
    """Pointed arms around a boss, a knob on each tip."""
    arms, thick, tip = d.count("arms", 5, 8), d.number("arm_width", 0.2, 0.3), d.number("tip_width", 0.03, 0.08)
    boss, height, knob = d.number("boss_radius", 0.16, 0.3), d.number("boss_height", 0.08, 0.18), d.number("knob_radius", 0.05, 0.11)
    arm = rod("arms", "main", (0, 0.12, 0), (0, 0.98, 0), thick, tip)
    return [
        solid(*_ring(arm, arms), blend=0.05),
        solid(ellipsoid("boss", "second", (0, 0, thick), (boss, boss, height))),
        solid(*_ring(ball("knobs", "light", (0, 0.98, 0), knob + 0.02), arms)),
    ]


def flower(d: Draw) -> list[Solid]:
    """A ring of petals, a smaller one over it, a round middle."""
    petals, length, width = d.count("petals", 5, 8), d.number("petal_length", 0.32, 0.44), d.number("petal_width", 0.16, 0.25)
    heart, cup, small = d.number("heart_radius", 0.2, 0.3), d.number("petal_cup", 8, 28), d.number("inner_size", 0.5, 0.7)
    petal = ellipsoid("petals", "main", (0, 0.24 + length, 0.0), (width, length, 0.08), degrees=(cup, 0, 0))
    inner = ellipsoid(
        "inner_petals", "second", (0, 0.16 + small * length, 0.12), (small * width, small * length, 0.06), degrees=(cup + 8, 0, 0)
    )
    half = 180 / petals
    return [
        solid(*_ring(petal, petals)),
        solid(*[carried(petal, z=half) for petal in _ring(inner, petals)]),
        solid(ellipsoid("heart", "light", (0, 0, 0.12), (heart, heart, 0.16))),
    ]


def keyboard(d: Draw) -> list[Solid]:
    """A flat slab with rows of keys, a long key, a panel with a knob."""
    columns, rows, wide = d.count("columns", 7, 11), d.count("rows", 3, 5), d.number("width", 0.95, 1.15)
    key, height, panel = d.number("key_size", 0.72, 0.88), d.number("key_height", 0.05, 0.09), d.number("panel_depth", 0.1, 0.18)
    gap = 2 * 0.92 * wide / columns
    deep = gap * (rows + 1.3) / 2 + panel
    slab = box("case", "main", (0, 0, 0), (wide, 0.08, deep), rounding=0.05)
    half = key * gap / 2
    first = -deep + 2 * panel + 0.15 * gap
    centre, cap = (0, 0.08, first + rows * gap / 2), (half, height, half)
    keys = box("keys", "second", centre, cap, rounding=0.03, repeat=(columns, 1, rows), spacing=(gap, 1, gap))
    space = box("long_key", "light", (0, 0.08, deep - 0.62 * gap), (0.45 * wide, height, half * 0.9), rounding=0.03)
    strip = box("panel", "glass", (-0.3 * wide, 0.06, -deep + panel), (0.5 * wide, 0.05, 0.6 * panel), rounding=0.02)
    knob = cylinder("knobs", "metal", (0.6 * wide, 0.1, -deep + panel), 0.65 * panel, 0.1)
    return [solid(slab), solid(keys), solid(space), solid(strip), solid(knob)]


def tower(d: Draw) -> list[Solid]:
    """A high house with a grid of windows on every side, a stepped roof and an aerial."""
    floors, panes, wide = d.count("floors", 5, 8), d.count("windows", 3, 4), d.number("width", 0.36, 0.46)
    height, roof, aerial = d.number("height", 0.85, 1.1), d.number("roof_size", 0.5, 0.8), d.number("aerial", 0.2, 0.4)
    across, up = 1.72 * wide / panes, 1.75 * height / floors
    block = box("walls", "main", (0, height, 0), (wide, height, wide), rounding=0.03)
    pane = (0.32 * across, 0.3 * up)
    centre, deep = (0, 1.04 * height, 0), wide + 0.02
    front = box("windows", "glass", centre, (*pane, deep), rounding=0.01, repeat=(panes, floors, 1), spacing=(across, up, 1))
    side = box("windows", "glass", centre, (deep, pane[1], pane[0]), rounding=0.01, repeat=(1, floors, panes), spacing=(1, up, across))
    step = box("roof", "second", (0, 2 * height + 0.1, 0), (roof * wide, 0.14, roof * wide), rounding=0.03)
    mast = rod("aerial", "metal", (0, 2 * height + 0.2, 0), (0, 2 * height + 0.25 + aerial, 0), 0.05, 0.03)
    base = box("door", "dark", (0, 0.12, 0), (0.3 * wide, 0.14, wide + 0.03), rounding=0.02)
    return [solid(block), solid(front, side), solid(step), solid(mast), solid(base)]


def mug(d: Draw) -> list[Solid]:
    """A hollow cylinder with a handle, a band and a rim."""
    radius, height, handle = d.number("radius", 0.42, 0.55), d.number("height", 0.46, 0.64), d.number("handle_radius", 0.24, 0.34)
    wall, thick, band = d.number("wall", 0.06, 0.1), d.number("handle_thickness", 0.06, 0.1), d.number("band_height", -0.25, 0.3)
    cup = cylinder("cup", "main", (0, 0, 0), radius, height, rounding=0.04)
    hole = cylinder("inside", "light", (0, 0.25, 0), radius - wall, height, rounding=0.04)
    grip = torus("handle", "second", (radius + 0.5 * handle, 0, 0), handle, thick, axis=_FRONT)
    keep = cylinder("handle", "second", (0, 0, 0), radius - 0.5 * wall, 2, rounding=0.0)
    stripe = torus("band", "second", (0, band * height, 0), radius, 0.05)
    rim = torus("rim", "second", (0, height - 0.02, 0), radius - 0.5 * wall, 0.6 * wall)
    return [solid(cup, hollows=[hole]), solid(grip, hollows=[keep]), solid(stripe), solid(rim)]


def chair(d: Draw) -> list[Solid]:
    """Seat, four legs, a back with bars."""
    wide, legs, back = d.number("width", 0.4, 0.5), d.number("leg_length", 0.34, 0.48), d.number("back_height", 0.4, 0.55)
    thick, bars, lean = d.number("leg_thickness", 0.05, 0.08), d.count("bars", 2, 4), d.number("lean", 0.0, 0.2)
    seat = box("seat", "second", (0, 0, 0), (wide, 0.08, wide), rounding=0.05)
    post = wide - thick
    stands = box("legs", "main", (0, -legs, 0), (thick, legs, thick), rounding=0.03, repeat=(2, 1, 2), spacing=(2 * post, 1, 2 * post))
    top = (2 * back, -post - lean)
    sides = [rod("back", "main", (s * post, 0, -post), (s * post, *top), thick) for s in (1, -1)]
    rail = rod("back", "main", (-post, *top), (post, *top), 1.3 * thick)
    spread = 2 * post / (bars + 1)
    slats = [
        rod("bars", "second", (-post + (i + 1) * spread, 0, -post), (-post + (i + 1) * spread, *top), 0.75 * thick) for i in range(bars)
    ]
    return [solid(seat), solid(stands), solid(*sides, rail), solid(*slats)]


def robot(d: Draw) -> list[Solid]:
    """Square head with aerial and lamp eyes, square body with dials, jointed arms and legs."""
    head, body, tall = d.number("head_width", 0.28, 0.38), d.number("body_width", 0.34, 0.46), d.number("body_height", 0.34, 0.46)
    arm, leg, aerial = d.number("arm_length", 0.35, 0.5), d.number("leg_length", 0.25, 0.4), d.number("aerial", 0.15, 0.3)
    top = tall + 0.12 + 0.24
    skull = box("head", "main", (0, top, 0), (head, 0.25, 0.25), rounding=0.05)
    chest = box("body", "main", (0, 0, 0), (body, tall, 0.28), rounding=0.06)
    neck = cylinder("body", "metal", (0, tall + 0.06, 0), 0.12, 0.1)
    eyes = [
        solid(cylinder(f"eye_{n}", "light", (s * 0.48 * head, top + 0.05, 0.25), 0.09, 0.05, axis=_FRONT))
        for n, s in (("left", 1), ("right", -1))
    ]
    mouth = box("mouth", "dark", (0, top - 0.13, 0.24), (0.5 * head, 0.035, 0.03), rounding=0.01)
    plate = box("panel", "second", (0, 0.1 * tall, 0.27), (0.62 * body, 0.5 * tall, 0.04), rounding=0.03)
    grid = (0.36 * body, 0.4 * tall, 1)
    dials = box("dials", "light", (0, 0.12 * tall, 0.31), (0.055, 0.055, 0.03), rounding=0.02, repeat=(3, 2, 1), spacing=grid)
    stick = [
        rod("aerial", "metal", (0, top + 0.2, 0), (0, top + 0.22 + aerial, 0), 0.035),
        ball("aerial", "light", (0, top + 0.25 + aerial, 0), 0.08),
    ]
    limbs = []
    for s in (1, -1):
        hand = (s * (body + 0.26), 0.5 * tall - arm, 0.2)
        limbs += [rod("arms", "second", (s * (body + 0.08), 0.6 * tall, 0), hand, 0.1), ball("hands", "metal", hand, 0.14)]
        limbs += [rod("legs", "second", (s * 0.5 * body, -tall, 0), (s * 0.5 * body, -tall - leg, 0), 0.11)]
        limbs += [box("feet", "metal", (s * 0.52 * body, -tall - leg - 0.1, 0.06), (0.16, 0.08, 0.22), rounding=0.04)]
    return [solid(skull), solid(chest), solid(neck), *eyes, solid(mouth), solid(plate), solid(dials), solid(*stick), solid(*limbs)]


def table(d: Draw) -> list[Solid]:
    """A wide top on four legs, a drawer, a bowl on it."""
    wide, deep, legs = d.number("width", 0.75, 1.0), d.number("depth", 0.45, 0.65), d.number("leg_length", 0.32, 0.48)
    thick, top, bowl = d.number("leg_thickness", 0.06, 0.09), d.number("top_thickness", 0.05, 0.09), d.number("bowl_size", 0.14, 0.22)
    board = box("top", "main", (0, 0, 0), (wide, top, deep), rounding=0.03)
    stands = box(
        "legs", "second", (0, -legs, 0), (thick, legs, thick), rounding=0.03, repeat=(2, 1, 2), spacing=(1.8 * wide, 1, 1.8 * deep)
    )
    drawer = box("drawer", "second", (0, -0.12, 0), (0.5 * wide, 0.1, 0.92 * deep), rounding=0.02)
    knob = box("knobs", "metal", (0, -0.14, 0), (0.06, 0.05, deep), rounding=0.03)
    dish = ellipsoid("bowl", "light", (0, top + 0.6 * bowl, 0), (bowl, 0.7 * bowl, bowl))
    return [solid(board), solid(stands), solid(drawer), solid(knob), solid(dish)]


def lamp(d: Draw) -> list[Solid]:
    """A foot, a stem, a conical shade with a bulb."""
    foot, stem, shade = d.number("foot_radius", 0.28, 0.4), d.number("stem_length", 0.45, 0.7), d.number("shade_radius", 0.4, 0.52)
    high, top, thin = d.number("shade_height", 0.36, 0.5), d.number("top_radius", 0.16, 0.26), d.number("stem_radius", 0.05, 0.09)
    base = cylinder("foot", "metal", (0, 0, 0), foot, 0.07, rounding=0.05)
    post = cylinder("stem", "metal", (0, stem, 0), thin, stem)
    joint = ball("knobs", "second", (0, 0.3 * stem, 0), thin + 0.07)
    low = 2 * stem - 0.1
    cone = rod("shade", "main", (0, low, 0), (0, low + high + 0.2, 0), shade, top)
    cut = [box("shade", "light", (0, low - 1, 0), (2, 1, 2), rounding=0)]
    bulb = ball("bulb", "light", (0, low - 0.02, 0), 0.15)
    return [solid(base), solid(post), solid(joint), solid(cone, hollows=cut), solid(bulb)]


def teapot(d: Draw) -> list[Solid]:
    """A round pot with spout, handle and lid."""
    radius, height, spout = d.number("radius", 0.48, 0.58), d.number("height", 0.38, 0.48), d.number("spout_length", 0.34, 0.5)
    handle, lid, knob = d.number("handle_radius", 0.24, 0.32), d.number("lid_radius", 0.24, 0.32), d.number("knob_radius", 0.07, 0.11)
    pot = ellipsoid("pot", "main", (0, 0, 0), (radius, height, radius))
    pipe = [
        rod("spout", "main", (0.75 * radius, -0.12, 0), (radius + 0.5 * spout, 0.1, 0), 0.15, 0.1),
        rod("spout", "main", (radius + 0.5 * spout, 0.1, 0), (radius + spout, 0.12 + 0.6 * spout, 0), 0.1, 0.07),
    ]
    grip = torus("handle", "second", (-radius - 0.4 * handle, 0.02, 0), handle, 0.065, axis=_FRONT)
    cover = ellipsoid("lid", "second", (0, 0.86 * height, 0), (lid, 0.13, lid))
    foot = cylinder("foot", "second", (0, -height + 0.02, 0), 0.6 * radius, 0.06)
    return [
        solid(pot, *pipe, blend=0.08),
        solid(grip),
        solid(cover),
        solid(ball("knobs", "light", (0, 0.86 * height + 0.18, 0), knob)),
        solid(foot),
    ]


def windmill(d: Draw) -> list[Solid]:
    """A tapering tower, a cap, four sails in front, a door."""
    wide, high, slim = d.number("base_radius", 0.36, 0.46), d.number("height", 0.95, 1.2), d.number("top_radius", 0.2, 0.27)
    sail, blade, turn = d.number("sail_length", 0.62, 0.82), d.number("sail_width", 0.09, 0.14), d.number("sail_angle", 0, 90)
    body = rod("walls", "main", (0, 0, 0), (0, high, 0), wide, slim)
    cut = [box("walls", "main", (0, -1, 0), (2, 1, 2), rounding=0)]
    cap = ellipsoid("roof", "second", (0, high + 0.1, 0), (slim + 0.06, 0.24, slim + 0.08))
    front = slim + 0.2
    arm = rod("sails", "metal", (0, high, front), (0, high + sail, front), 0.03)
    cloth = box("sails", "light", (0.5 * blade + 0.02, high + 0.6 * sail, front), (blade, 0.4 * sail, 0.03), rounding=0.02)
    hub = ball("hub", "dark", (0, high, front), 0.09)
    axle = rod("hub", "dark", (0, high, 0), (0, high, front), 0.06)
    sails = [carried(part, z=turn + 90 * number, around=(0, high, 0)) for number in range(4) for part in (arm, cloth)]
    door = box("door", "dark", (0, 0.16, 0), (0.12, 0.2, wide + 0.02), rounding=0.03)
    panes = box("windows", "glass", (0, 0.68 * high, 0), (0.07, 0.09, 0.6 * (wide + slim) - 0.06), rounding=0.02)
    return [solid(body, hollows=cut), solid(cap), solid(*sails), solid(hub, axle), solid(door), solid(panes)]


def snowman(d: Draw) -> list[Solid]:
    """Three balls, a hat, a pointed nose, buttons, arms of twigs."""
    low, middle, high = d.number("low_radius", 0.46, 0.56), d.number("middle_radius", 0.34, 0.42), d.number("head_radius", 0.24, 0.31)
    carrot, hat, arm = d.number("carrot_length", 0.22, 0.38), d.number("hat_height", 0.14, 0.24), d.number("arm_length", 0.32, 0.5)
    chest, face = 0.75 * (low + middle), 0.75 * (low + middle) + 0.8 * (middle + high)
    balls = [ball("body", "main", (0, 0, 0), low), ball("body", "main", (0, chest, 0), middle), ball("head", "main", (0, face, 0), high)]
    brim = cylinder("hat", "dark", (0, face + 0.8 * high, 0), 1.2 * high, 0.04)
    crown = cylinder("hat", "dark", (0, face + 0.8 * high + hat, 0), 0.78 * high, hat)
    eyes = [
        solid(ball(f"eye_{n}", "dark", (s * 0.38 * high, face + 0.25 * high, 0.86 * high), 0.055)) for n, s in (("left", 1), ("right", -1))
    ]
    nose = rod("nose", "second", (0, face, 0.85 * high), (0, face - 0.04, high + carrot), 0.075, 0.015)
    buttons = [ball("buttons", "dark", (0, chest + y * middle, np.sqrt(1 - y * y) * middle), 0.06) for y in (0.45, 0.0, -0.45)]
    twigs = [
        rod("arms", "dark", (s * 0.85 * middle, chest + 0.1, 0), (s * (middle + arm), chest + 0.45 * arm + 0.1, 0.1), 0.045, 0.03)
        for s in (1, -1)
    ]
    scarf = torus("scarf", "second", (0, face - 0.85 * high, 0), 0.72 * high, 0.09)
    return [solid(*balls), solid(brim, crown), *eyes, solid(nose), solid(*buttons), solid(*twigs), solid(scarf)]

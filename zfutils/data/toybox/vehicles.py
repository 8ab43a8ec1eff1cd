"""Vehicles: their front points to the viewer (+z), their wheels stand on y = 0."""

import numpy as np

from zfutils.data.toybox.draw import Draw
from zfutils.data.toybox.primitives import ball, box, carried, cylinder, ellipsoid, rod, torus
from zfutils.data.toybox.solids import Solid, solid

_AXLE = (1, 0, 0)


def _axle(z: float, radius: float, track: float, half: float = 0.09) -> list[Solid]:
    """Two wheels with hubs on one axle."""
    tyres = cylinder("wheels", "dark", (0, radius, z), radius, half, axis=_AXLE, rounding=0.04, repeat=2, spacing=track)
    hubs = cylinder("hubs", "metal", (0, radius, z), 0.55 * radius, half + 0.02, axis=_AXLE, rounding=0.02, repeat=2, spacing=track)
    return [solid(tyres), solid(hubs)]


def _lights(y: float, z: float, apart: float, radius: float) -> Solid:
    """Two headlights."""
    return solid(*[ball("lights", "light", (side * apart, y, z), radius) for side in (1, -1)])


def car(d: Draw) -> list[Solid]:
    """Low body with bonnet and boot, a cabin in the middle."""
    length, width, wheel = d.number("length", 0.85, 1.1), d.number("width", 0.4, 0.48), d.number("wheel_radius", 0.19, 0.26)
    cabin, roof, back = d.number("cabin_length", 0.36, 0.5), d.number("roof_height", 0.19, 0.27), d.number("cabin_offset", -0.22, 0.0)
    base = wheel + 0.2
    lower = box("body", "main", (0, base, 0), (width, 0.19, length), rounding=0.1)
    upper = box("cabin", "main", (0, base + 0.15 + roof, back), (0.86 * width, roof, cabin), rounding=0.1)
    centre, pane, gaps = (0, base + 0.18 + roof, back), (0.86 * width + 0.02, 0.55 * roof, 0.36 * cabin), (1, 1, 0.86 * cabin)
    screens = box("windows", "glass", centre, (0.7 * width, 0.55 * roof, cabin + 0.02), rounding=0.04)
    panes = box("windows", "glass", centre, pane, rounding=0.04, repeat=(1, 1, 2), spacing=gaps)
    wheels = [part for z in (0.6 * length, -0.6 * length) for part in _axle(z, wheel, 2 * width)]
    return [solid(lower, upper, blend=0.08), solid(screens, panes), _lights(base + 0.02, length - 0.01, 0.62 * width, 0.09), *wheels]


def bus(d: Draw) -> list[Solid]:
    """One long high box with a row of windows."""
    length, width, height = d.number("length", 1.1, 1.45), d.number("width", 0.38, 0.46), d.number("height", 0.4, 0.52)
    wheel, panes, band = d.number("wheel_radius", 0.16, 0.21), d.count("windows", 4, 6), d.number("window_height", 0.12, 0.17)
    middle = wheel + 0.08 + height
    shell = box("body", "main", (0, middle, 0), (width, height, length), rounding=0.08)
    gap = 1.8 * length / panes
    centre, pane = (0, middle + 0.3 * height, 0), (width + 0.015, band, 0.38 * gap)
    sides = box("windows", "glass", centre, pane, rounding=0.03, repeat=(1, 1, panes), spacing=(1, 1, gap))
    screen = box("windows", "glass", (0, middle + 0.25 * height, 0), (0.8 * width, 0.45 * height, length + 0.015), rounding=0.03)
    wheels = [part for z in (0.62 * length, -0.62 * length) for part in _axle(z, wheel, 2 * width - 0.1)]
    return [solid(shell), solid(sides, screen), _lights(middle - 0.6 * height, length, 0.65 * width, 0.08), *wheels]


def truck(d: Draw) -> list[Solid]:
    """A cab in front, a gap, a higher load behind."""
    width, load, height = d.number("width", 0.4, 0.48), d.number("load_length", 0.6, 0.85), d.number("load_height", 0.42, 0.56)
    wheel, cab, tall = d.number("wheel_radius", 0.2, 0.26), d.number("cab_length", 0.24, 0.32), d.number("cab_height", 0.34, 0.42)
    floor = wheel + 0.12
    front = load + cab + 0.12
    frame = box("frame", "dark", (0, floor, 0.1), (0.7 * width, 0.07, load + cab + 0.05), rounding=0.03)
    cargo = box("load", "second", (0, floor + height, -0.1), (width, height, load), rounding=0.03)
    cabin = box("cabin", "main", (0, floor + 0.72 * tall, front), (0.94 * width, tall, cab), rounding=0.09)
    glass = [
        box("windows", "glass", (0, floor + 1.05 * tall, front), (0.76 * width, 0.34 * tall, cab + 0.015), rounding=0.03),
        box("windows", "glass", (0, floor + 1.05 * tall, front), (0.94 * width + 0.015, 0.34 * tall, 0.6 * cab), rounding=0.03),
    ]
    wheels = [part for z in (front, -0.35 * load, -0.8 * load) for part in _axle(z, wheel, 2 * width - 0.06)]
    return [solid(frame), solid(cargo), solid(cabin), solid(*glass), _lights(floor + 0.1, front + cab, 0.62 * width, 0.08), *wheels]


def tractor(d: Draw) -> list[Solid]:
    """Huge wheels behind, small ones in front, a long bonnet with an exhaust pipe."""
    big, small, hood = d.number("big_wheel", 0.46, 0.58), d.number("small_wheel", 0.2, 0.28), d.number("hood_length", 0.36, 0.5)
    width, roof, pipe = d.number("hood_width", 0.22, 0.29), d.number("roof_height", 0.45, 0.6), d.number("pipe_length", 0.3, 0.5)
    base = big + 0.1
    bonnet = box("body", "main", (0, base, 0.42 + 0.4 * hood), (width, 0.22, hood + 0.25), rounding=0.08)
    top = base + 0.1 + 2 * roof
    seat = box("body", "main", (0, base, -0.25), (0.3, 0.24, 0.35), rounding=0.06)
    cabin = box("windows", "glass", (0, base + 0.15 + roof, -0.25), (0.29, roof, 0.29), rounding=0.05)
    lid = box("cabin", "main", (0, top + 0.06, -0.25), (0.37, 0.06, 0.38), rounding=0.05)
    chimney = cylinder("pipe", "metal", (0.5 * width, base + 0.2 + pipe / 2, 0.62), 0.06, pipe / 2 + 0.1)
    front = 0.42 + 1.1 * hood
    return [
        solid(bonnet, seat, blend=0.05),
        solid(cabin),
        solid(lid),
        solid(chimney),
        _lights(base + 0.03, 0.68 + 1.38 * hood, 0.6 * width, 0.075),
        *_axle(-0.3, big, 0.9, 0.14),
        *_axle(front, small, 0.72, 0.1),
    ]


def plane(d: Draw) -> list[Solid]:
    """Fuselage, long wings, tail with a fin, an engine under each wing."""
    length, girth, span = d.number("length", 0.9, 1.15), d.number("girth", 0.17, 0.23), d.number("wing_span", 0.9, 1.2)
    sweep, chord, fin = d.number("sweep", 0.0, 0.4), d.number("wing_width", 0.17, 0.24), d.number("fin_height", 0.34, 0.5)
    hull = ellipsoid("body", "main", (0, 0, 0), (girth, girth, length))
    wings = [
        ellipsoid(
            "wings", "second", (s * span * 0.5, -0.03, 0.08 - 0.4 * sweep), (span * 0.56, 0.05, chord), degrees=(0, s * 28 * sweep, 0)
        )
        for s in (1, -1)
    ]
    tail = ellipsoid("tail", "second", (0, 0.06, -0.86 * length), (0.42, 0.04, 0.14))
    rudder = box("tail", "second", (0, 0.12 + fin / 2, -0.86 * length), (0.035, fin / 2 + 0.05, 0.15), rounding=0.03, degrees=(-22, 0, 0))
    engines = [
        cylinder("engines", "metal", (s * 0.48 * span, -0.15, 0.2 - 0.4 * sweep), 0.095, 0.2, axis=(0, 0, 1), rounding=0.04)
        for s in (1, -1)
    ]
    screen = ellipsoid("windows", "glass", (0, 0.55 * girth, 0.66 * length), (0.6 * girth, 0.42 * girth, 0.2 * length))
    return [solid(hull), *[solid(wing) for wing in wings], solid(tail), solid(rudder), solid(*engines), solid(screen)]


def boat(d: Draw) -> list[Solid]:
    """A hull with a pointed bow, a cabin, a mast with a sail."""
    length, width, depth = d.number("length", 0.75, 1.0), d.number("width", 0.32, 0.42), d.number("hull_depth", 0.24, 0.32)
    mast, sail, cabin = d.number("mast_height", 0.75, 1.05), d.number("sail_width", 0.3, 0.46), d.number("cabin_length", 0.16, 0.26)
    hull = ellipsoid("hull", "main", (0, depth, 0), (width, depth, length))
    lid = box("hull", "main", (0, 2 * depth, 0), (1, depth * 0.86, 2), rounding=0)
    deck = ellipsoid("deck", "second", (0, 1.1 * depth, 0), (0.84 * width, 0.06, 0.84 * length))
    house = box("cabin", "light", (0, 1.25 * depth + 0.14, -0.5 * length), (0.55 * width, 0.18, cabin), rounding=0.04)
    centre, pane = (0, 1.25 * depth + 0.18, -0.5 * length), (0.55 * width + 0.015, 0.07, 0.3 * cabin)
    panes = box("windows", "glass", centre, pane, rounding=0.02, repeat=(1, 1, 2), spacing=(1, 1, 0.9 * cabin))
    pole = cylinder("mast", "dark", (0, depth + mast, 0.12), 0.04, mast)
    low, high = 1.35 * depth + 0.1, depth + 1.95 * mast
    foot, rise = 0.95 * sail, (high - low) / 2
    cloth = box("sail", "second", (0, low + rise, 0.14 + foot), (0.03, rise, foot), rounding=0.02)
    steep = float(np.degrees(np.arctan2(foot, rise)))
    edge = (0, low + rise + np.sin(np.radians(steep)), 0.14 + foot + np.cos(np.radians(steep)))  # the box that cuts along the diagonal
    slope = box("sail", "second", edge, (0.5, 4, 1), rounding=0, degrees=(-steep, 0, 0))
    return [solid(hull, hollows=[lid]), solid(deck), solid(house), solid(panes), solid(pole), solid(cloth, hollows=[slope])]


def train(d: Draw) -> list[Solid]:
    """A steam engine: boiler, chimney, cab, a row of wheels."""
    length, girth = d.number("boiler_length", 0.55, 0.75), d.number("boiler_radius", 0.25, 0.32)
    chimney = d.number("chimney_height", 0.16, 0.28)
    wheel, cab, axles = d.number("wheel_radius", 0.18, 0.24), d.number("cab_height", 0.36, 0.48), d.count("axles", 3, 4)
    base = wheel + 0.14
    boiler = cylinder("boiler", "main", (0, base + girth, 0.25), girth, length, axis=(0, 0, 1), rounding=0.05)
    face = cylinder("face", "metal", (0, base + girth, 0.27 + length), 0.8 * girth, 0.06, axis=(0, 0, 1))
    frame = box("frame", "dark", (0, base - 0.02, 0), (0.32, 0.08, length + 0.35), rounding=0.03)
    house = box("cabin", "second", (0, base + cab, -length - 0.02), (0.38, cab, 0.28), rounding=0.04)
    roof = box("cabin", "main", (0, base + 2 * cab + 0.03, -length - 0.02), (0.44, 0.05, 0.36), rounding=0.04)
    panes = box("windows", "glass", (0, base + 1.35 * cab, -length - 0.02), (0.4, 0.3 * cab, 0.16), rounding=0.03)
    ahead = 0.02 + 0.8 * length
    stack = rod("chimney", "dark", (0, base + 1.8 * girth, ahead), (0, base + 2.05 * girth + chimney, ahead), 0.08, 0.12)
    dome = ball("dome", "metal", (0, base + 1.95 * girth, 0.1), 0.12)
    rims = [part for i in range(axles) for part in _axle(-length - 0.1 + i * (2 * length + 0.2) / (axles - 1), wheel, 0.66, 0.06)]
    return [solid(boiler), solid(face), solid(frame), solid(house), solid(roof), solid(panes), solid(stack), solid(dome), *rims]


def rocket(d: Draw) -> list[Solid]:
    """An upright hull with a pointed nose, fins and portholes."""
    girth, height, tip = d.number("girth", 0.22, 0.3), d.number("height", 0.6, 0.85), d.number("nose_length", 0.4, 0.6)
    fin, fins, hole = d.number("fin_size", 0.24, 0.38), d.count("fins", 3, 4), d.number("porthole_size", 0.09, 0.13)
    hull = rod("body", "main", (0, -height, 0), (0, height, 0), 0.9 * girth, girth)
    nose = rod("nose_cone", "second", (0, height, 0), (0, height + tip, 0), girth * 1.02, 0.05)
    blade = ellipsoid("fins", "second", (0.9 * girth, -height - 0.05, 0), (fin, 0.3, 0.05), degrees=(0, 0, -35))
    blades = [carried(blade, y=360 * (number + 0.5) / fins) for number in range(fins)]
    rings = [torus("windows", "metal", (0, height * y, 0.98 * girth), hole, 0.035, axis=(0, 0, 1)) for y in (0.55, -0.05)]
    glass = [ellipsoid("windows", "glass", (0, height * y, 0.95 * girth), (hole, hole, 0.07)) for y in (0.55, -0.05)]
    nozzle = rod("nozzle", "dark", (0, -height - 0.7 * girth, 0), (0, -height - 1.3 * girth, 0), 0.5 * girth, 0.65 * girth)
    return [solid(hull), solid(nose), solid(*blades), solid(*rings), solid(*glass), solid(nozzle)]


def bicycle(d: Draw) -> list[Solid]:
    """Two thin wheels, a frame of tubes, saddle and handlebar; seen from the side."""
    wheel, base, tube = d.number("wheel_radius", 0.4, 0.48), d.number("wheel_base", 0.55, 0.66), d.number("tube", 0.045, 0.06)
    saddle, bar, tyre = d.number("saddle_height", 0.3, 0.45), d.number("bar_height", 0.36, 0.5), d.number("tyre", 0.05, 0.075)
    solids = []
    for x in (base, -base):
        solids.append(solid(torus("wheels", "dark", (x, wheel, 0), wheel, tyre, axis=(0, 0, 1))))
        solids.append(solid(cylinder("hubs", "metal", (x, wheel, 0), 0.07, 0.07, axis=(0, 0, 1))))
        spokes = [
            box("spokes", "metal", (x, wheel, 0), (wheel, 0.016, 0.016), rounding=0.01, degrees=(0, 0, turn)) for turn in (0, 45, 90, 135)
        ]
        solids.append(solid(*spokes))
    crank, seat, head = (-0.08, wheel, 0), (-0.3, 2 * wheel + 0.05, 0), (0.75 * base, 2 * wheel + 0.08, 0)
    behind, before = (-base, wheel, 0), (base, wheel, 0)
    ends = ((crank, seat), (seat, head), (crank, head), (crank, behind), (seat, behind), (head, before))
    tubes = [rod("frame", "main", *pair, tube) for pair in ends]
    post, stem = (-0.34, 2 * wheel + saddle * 0.55, 0), (0.7 * base, 2 * wheel + 0.1 + 0.5 * bar, 0)
    solids += [solid(*tubes), solid(rod("frame", "metal", seat, post, tube), rod("frame", "metal", head, stem, tube))]
    solids.append(solid(ellipsoid("saddle", "second", (-0.32, post[1] + 0.05, 0), (0.2, 0.07, 0.11))))
    solids.append(solid(rod("handlebar", "second", (stem[0], stem[1], 0.28), (stem[0], stem[1], -0.28), 0.05)))
    return solids

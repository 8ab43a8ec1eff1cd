"""Animals: a face that looks at the viewer, on a sitting body; left and right are the animal's own."""

from collections.abc import Iterator

from zfutils.data.toybox.draw import Draw
from zfutils.data.toybox.primitives import Primitive, ball, cylinder, ellipsoid, rod, torus
from zfutils.data.toybox.solids import Solid, solid

_SIDES = (("left", 1.0), ("right", -1.0))  # z points to the viewer, so the animal's left is the viewer's right, +x

FACE = ("eye_left", "eye_right", "nose", "ear_left", "ear_right", "muzzle", "head", "body", "paws")


def _eyes(
    d: Draw, y: float, z: float, *, spread: tuple[float, float] = (0.17, 0.25), size: tuple[float, float] = (0.07, 0.1)
) -> Iterator[Solid]:
    """Two dark eyes on the front of a head."""
    apart, radius = d.number("eye_spread", *spread), d.number("eye_size", *size)
    for name, side in _SIDES:
        yield solid(ball(f"eye_{name}", "dark", (side * apart, y, z), radius))


def _body(d: Draw, *, width: tuple[float, float] = (0.34, 0.44), height: tuple[float, float] = (0.42, 0.55)) -> list[Primitive]:
    """A sitting body below a head at the origin, with paws."""
    w, h = d.number("body_width", *width), d.number("body_height", *height)
    paw = d.number("paw_size", 0.12, 0.17)
    low = -0.32 - 1.55 * h
    return [
        ellipsoid("body", "main", (0, -0.3 - 0.75 * h, -0.3), (w, h, 0.42)),
        ellipsoid("paws", "main", (0.55 * w, low + 0.6 * paw, 0.08), (paw, 0.75 * paw, 1.35 * paw)),
        ellipsoid("paws", "main", (-0.55 * w, low + 0.6 * paw, 0.08), (paw, 0.75 * paw, 1.35 * paw)),
    ]


def dog(d: Draw) -> list[Solid]:
    """Long muzzle, hanging ears, a tail that stands up."""
    muzzle, ear, width = d.number("muzzle_length", 0.34, 0.5), d.number("ear_length", 0.34, 0.5), d.number("head_width", 0.44, 0.54)
    head = ellipsoid("head", "main", (0, 0.08, 0), (width, 0.46, 0.46))
    snout = ellipsoid("muzzle", "second", (0, -0.13, 0.28 + 0.4 * muzzle), (0.24, 0.2, muzzle))
    tail = rod("tail", "main", (0.1, -0.75, -0.62), (0.32, -0.2, -0.95), 0.1, 0.06)
    ears = [
        solid(ellipsoid(f"ear_{n}", "second", (s * (width + 0.05), 0.16 - 0.55 * ear, 0), (0.12, ear, 0.2), degrees=(0, 0, s * 10)))
        for n, s in _SIDES
    ]
    nose = solid(ellipsoid("nose", "dark", (0, -0.06, 0.29 + 1.36 * muzzle), (0.11, 0.08, 0.08)))
    return [solid(head, snout, tail, *_body(d), blend=0.12), *ears, nose, *_eyes(d, 0.2, 0.41)]


def bear(d: Draw) -> list[Solid]:
    """Round head, small round ears on top, a short broad muzzle, a heavy body."""
    ear, muzzle, width = d.number("ear_size", 0.15, 0.22), d.number("muzzle_size", 0.2, 0.27), d.number("head_width", 0.5, 0.58)
    head = ellipsoid("head", "main", (0, 0.05, 0), (width, 0.48, 0.46))
    snout = ellipsoid("muzzle", "second", (0, -0.14, 0.4), (muzzle * 1.1, muzzle * 0.85, 0.2))
    body = _body(d, width=(0.48, 0.6), height=(0.5, 0.62))
    ears = [
        solid(
            ellipsoid(f"ear_{n}", "main", (s * 0.78 * width, 0.43, -0.03), (ear, ear, 0.09)),
            ball(f"ear_{n}", "second", (s * 0.78 * width, 0.43, 0.02), 0.6 * ear),
        )
        for n, s in _SIDES
    ]
    nose = solid(ellipsoid("nose", "dark", (0, -0.08, 0.59), (0.1, 0.07, 0.06)))
    arms = [rod("arms", "main", (s * 0.38, -0.6, -0.15), (s * 0.56, -0.95, 0.12), 0.15, 0.13) for _, s in _SIDES]
    return [solid(head, snout, *body, *arms, blend=0.1), *ears, nose, *_eyes(d, 0.15, 0.4, size=(0.055, 0.08))]


def cat(d: Draw) -> list[Solid]:
    """Pointed ears, a flat little muzzle, a long curved tail."""
    ear, width, tail = d.number("ear_height", 0.3, 0.45), d.number("head_width", 0.48, 0.56), d.number("tail_length", 0.5, 0.85)
    head = ellipsoid("head", "main", (0, 0.04, 0), (width, 0.41, 0.42))
    cheeks = [ellipsoid("muzzle", "second", (s * 0.1, -0.13, 0.38), (0.14, 0.11, 0.11)) for _, s in _SIDES]
    ears = [
        solid(
            rod(f"ear_{n}", "main", (s * 0.6 * width, 0.26, -0.02), (s * 0.86 * width, 0.36 + ear, -0.03), 0.19, 0.025),
            rod(f"ear_{n}", "second", (s * 0.62 * width, 0.28, 0.1), (s * 0.82 * width, 0.28 + 0.8 * ear, 0.04), 0.1, 0.02),
        )
        for n, s in _SIDES
    ]
    curl = [
        rod("tail", "main", (0.2, -1.0, -0.5), (0.68, -0.9, -0.5), 0.09),
        rod("tail", "main", (0.68, -0.9, -0.5), (0.78, -0.95 + tail, -0.5), 0.09, 0.07),
    ]
    nose = solid(ellipsoid("nose", "dark", (0, -0.05, 0.47), (0.055, 0.04, 0.04)))
    return [solid(head, *cheeks, *_body(d, width=(0.3, 0.38)), *curl, blend=0.07), *ears, nose, *_eyes(d, 0.1, 0.37, size=(0.08, 0.11))]


def rabbit(d: Draw) -> list[Solid]:
    """Long ears that stand up, cheeks, two teeth."""
    ear, lean, width = d.number("ear_length", 0.42, 0.62), d.number("ear_lean", 4, 22), d.number("head_width", 0.38, 0.46)
    head = ellipsoid("head", "main", (0, 0.02, 0), (width, 0.42, 0.4))
    cheeks = [ball("muzzle", "second", (s * 0.11, -0.15, 0.34), 0.14) for _, s in _SIDES]
    ears = []
    for name, side in _SIDES:
        x = side * (0.17 + 0.011 * lean * ear * 1.4)
        outer = ellipsoid(f"ear_{name}", "main", (x, 0.32 + ear, -0.05), (0.13, ear, 0.09), degrees=(0, 0, -side * lean))
        inner = ellipsoid(f"ear_{name}", "second", (x, 0.32 + ear, 0.01), (0.075, 0.8 * ear, 0.06), degrees=(0, 0, -side * lean))
        ears.append(solid(outer, inner))
    teeth = solid(*[ellipsoid("teeth", "light", (s * 0.045, -0.29, 0.42), (0.045, 0.08, 0.035)) for _, s in _SIDES])
    nose = solid(ellipsoid("nose", "dark", (0, -0.05, 0.45), (0.065, 0.05, 0.05)))
    return [solid(head, *cheeks, *_body(d, width=(0.34, 0.44)), blend=0.07), *ears, teeth, nose, *_eyes(d, 0.12, 0.34)]


def elephant(d: Draw) -> list[Solid]:
    """Wide flat ears, a trunk, tusks."""
    ear, trunk, bend = d.number("ear_size", 0.34, 0.48), d.number("trunk_length", 0.5, 0.75), d.number("trunk_bend", -0.3, 0.3)
    head = ellipsoid("head", "main", (0, 0.08, 0), (0.42, 0.44, 0.4))
    tip = (bend, -0.3 - trunk, 0.6)
    hose = [
        rod("trunk", "main", (0, -0.02, 0.3), (0.3 * bend, -0.32, 0.58), 0.17, 0.13),
        rod("trunk", "main", (0.3 * bend, -0.32, 0.58), tip, 0.13, 0.08),
    ]
    ears = [
        solid(ellipsoid(f"ear_{n}", "second", (s * (0.36 + ear * 0.8), 0.08, -0.06), (ear, ear * 1.15, 0.09), degrees=(0, -s * 18, 0)))
        for n, s in _SIDES
    ]
    tusk = d.number("tusk_length", 0.2, 0.36)
    tusks = solid(
        *[rod("tusks", "light", (s * 0.19, -0.2, 0.3), (s * 0.25, -0.28 - 0.5 * tusk, 0.35 + tusk), 0.06, 0.025) for _, s in _SIDES]
    )
    body = _body(d, width=(0.46, 0.56), height=(0.45, 0.56))
    return [solid(head, *hose, *body, blend=0.1), *ears, tusks, *_eyes(d, 0.17, 0.34, spread=(0.19, 0.25), size=(0.055, 0.075))]


def pig(d: Draw) -> list[Solid]:
    """A round snout with two nostrils, ears folded forward, a curly tail."""
    snout, ear, width = d.number("snout_radius", 0.17, 0.24), d.number("ear_length", 0.2, 0.32), d.number("head_width", 0.48, 0.56)
    head = ellipsoid("head", "main", (0, 0.04, 0), (width, 0.44, 0.44))
    disc = solid(cylinder("muzzle", "second", (0, -0.08, 0.47), snout, 0.13, axis=(0, 0, 1), rounding=0.04))
    nostrils = solid(*[ellipsoid("nose", "dark", (s * 0.42 * snout, -0.08, 0.6), (0.22 * snout, 0.36 * snout, 0.03)) for _, s in _SIDES])
    ears = [
        solid(rod(f"ear_{n}", "second", (s * 0.62 * width, 0.34, 0.0), (s * 0.98 * width, 0.36 + 0.6 * ear, 0.12 + 0.6 * ear), 0.15, 0.03))
        for n, s in _SIDES
    ]
    curl = solid(torus("tail", "second", (0.12, -0.62, -0.72), d.number("tail_radius", 0.08, 0.14), 0.035, axis=(0.3, 0.2, 1)))
    body = _body(d, width=(0.5, 0.62), height=(0.4, 0.5))
    return [solid(head, *body, blend=0.1), disc, nostrils, *ears, curl, *_eyes(d, 0.2, 0.4, spread=(0.2, 0.28), size=(0.05, 0.08))]


def mouse(d: Draw) -> list[Solid]:
    """Very large round ears, a pointed muzzle with whiskers, a thin tail."""
    ear, muzzle, tail = d.number("ear_size", 0.3, 0.42), d.number("muzzle_length", 0.3, 0.45), d.number("tail_length", 0.5, 0.9)
    head = ellipsoid("head", "main", (0, 0.02, 0), (0.4, 0.38, 0.38))
    point = rod("muzzle", "main", (0, -0.08, 0.2), (0, -0.12, 0.3 + muzzle), 0.22, 0.08)
    ears = [
        solid(
            cylinder(f"ear_{n}", "main", (s * (0.28 + 0.6 * ear), 0.3 + 0.5 * ear, -0.08), ear, 0.05, axis=(s * 0.3, 0, 1)),
            cylinder(f"ear_{n}", "second", (s * (0.28 + 0.6 * ear), 0.3 + 0.5 * ear, -0.04), 0.68 * ear, 0.05, axis=(s * 0.3, 0, 1)),
        )
        for n, s in _SIDES
    ]
    string = solid(
        rod("tail", "second", (0.2, -0.98, -0.5), (0.6, -0.95, -0.5), 0.045),
        rod("tail", "second", (0.6, -0.95, -0.5), (0.95, -0.95 + tail, -0.5), 0.045, 0.025),
    )
    whiskers = [
        rod("whiskers", "light", (s * 0.09, -0.1, 0.22 + muzzle), (s * 0.42, -0.1 + 0.13 * rise, 0.2 + muzzle), 0.022, 0.012)
        for _, s in _SIDES
        for rise in (-1, 0, 1)
    ]
    nose = solid(ball("nose", "dark", (0, -0.1, 0.38 + muzzle), d.number("nose_size", 0.07, 0.1)))
    return [solid(head, point, *_body(d, width=(0.32, 0.42)), blend=0.08), *ears, string, solid(*whiskers), nose, *_eyes(d, 0.13, 0.33)]


def owl(d: Draw) -> list[Solid]:
    """One upright body, eyes in wide discs, a beak, wings, tufts."""
    width, height, disc = d.number("body_width", 0.46, 0.58), d.number("body_height", 0.75, 0.95), d.number("disc_size", 0.22, 0.29)
    body = ellipsoid("body", "main", (0, 0, 0), (width, height, 0.46))
    top, apart = 0.48 * height, disc * 0.95
    solids = [solid(body)]
    beak, tuft, eye = d.number("beak_length", 0.12, 0.2), d.number("tuft_length", 0.2, 0.36), d.number("eye_size", 0.1, 0.14)
    for name, side in _SIDES:
        solids.append(solid(cylinder("muzzle", "light", (side * apart, top, 0.34), disc, 0.09, axis=(side * 0.25, 0.1, 1))))
        solids.append(solid(ball(f"eye_{name}", "dark", (side * apart * 1.02, top, 0.43), eye)))
        root, tip = (side * 0.6 * width, 0.72 * height, 0.05), (side * 0.85 * width, 0.8 * height + tuft, 0.05)
        solids.append(solid(rod(f"ear_{name}", "second", root, tip, 0.13, 0.02)))
        shoulder = (side * width * 0.98, -0.12 * height, 0)
        solids.append(solid(ellipsoid("wings", "second", shoulder, (0.12, 0.6 * height, 0.3), degrees=(0, 0, side * 6))))
        solids.append(solid(ellipsoid("paws", "dark", (side * 0.2, -height * 0.97, 0.15), (0.13, 0.07, 0.17))))
    solids.append(solid(rod("nose", "dark", (0, top - 0.08, 0.42), (0, top - 0.1 - beak, 0.56), 0.09, 0.02)))
    return solids


def cow(d: Draw) -> list[Solid]:
    """Horns, ears that stick out, a long face with a broad muzzle."""
    horn, ear, muzzle = d.number("horn_length", 0.22, 0.4), d.number("ear_length", 0.24, 0.36), d.number("muzzle_width", 0.28, 0.36)
    head = ellipsoid("head", "main", (0, 0.12, 0), (0.4, 0.44, 0.4))
    snout = ellipsoid("muzzle", "second", (0, -0.26, 0.24), (muzzle, 0.22, 0.3))
    horns = solid(*[rod("horns", "light", (s * 0.24, 0.46, 0), (s * (0.3 + 0.5 * horn), 0.5 + horn, 0.02), 0.09, 0.025) for _, s in _SIDES])
    ears = [
        solid(ellipsoid(f"ear_{n}", "main", (s * (0.36 + 0.8 * ear), 0.26, -0.02), (ear, 0.12, 0.1), degrees=(0, 0, -s * 14)))
        for n, s in _SIDES
    ]
    nostrils = solid(*[ellipsoid("nose", "dark", (s * 0.13, -0.22, 0.51), (0.06, 0.05, 0.04)) for _, s in _SIDES])
    return [solid(head, snout, *_body(d, width=(0.46, 0.58)), blend=0.1), horns, *ears, nostrils, *_eyes(d, 0.2, 0.35, spread=(0.2, 0.27))]


def fish(d: Draw) -> list[Solid]:
    """A body seen from the side, fins, a forked tail."""
    length, height, tail = d.number("body_length", 0.7, 0.9), d.number("body_height", 0.34, 0.52), d.number("tail_size", 0.3, 0.45)
    body = ellipsoid("body", "main", (0, 0, 0), (length, height, 0.26))
    fork = [rod("tail", "second", (-0.85 * length, 0, 0), (-length - tail, s * tail, 0), 0.1, 0.05) for s in (1, -1)]
    fin = d.number("fin_height", 0.2, 0.36)
    back = ellipsoid("fins", "second", (-0.05, height, 0), (0.34, fin, 0.06), degrees=(0, 0, 14))
    belly = ellipsoid("fins", "second", (-0.1, -0.95 * height, 0), (0.18, 0.7 * fin, 0.05), degrees=(0, 0, -24))
    eye = d.number("eye_size", 0.07, 0.11)
    eyes = [solid(ball(f"eye_{n}", "dark", (0.6 * length, 0.25 * height, -s * 0.17), eye)) for n, s in _SIDES]
    side_fins = [solid(ellipsoid("fins", "second", (0.15, -0.1, s * 0.28), (0.2, 0.1, 0.05), degrees=(0, s * 20, 20))) for s in (1, -1)]
    mouth = solid(torus("mouth", "light", (0.97 * length, -0.04, 0), d.number("mouth_size", 0.07, 0.1), 0.04, axis=(1, 0, 0)))
    return [solid(body, *fork, blend=0.1), solid(back, belly), *eyes, *side_fins, mouth]

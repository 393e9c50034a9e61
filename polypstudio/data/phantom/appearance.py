"""What is drawn at random: a patient (shared by a group's frames), a view into the colon, and a polyp of either class.

The two pathologies differ only in the means of overlapping draws (`_TRAITS`), and a few polyps of either look wholly like
the other (`_LOOK_ALIKES`): as in life, an adenoma may be pale and smooth, and no classifier can be right about every image.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from polypstudio.data.phantom import mucosa
from polypstudio.data.phantom.scene import FAR, Fold, PolypShape, Scene, Tube, along, march

WALL_SIDE = 512
POLYP_SIDE = 96

# Linear-light reflectance of mucosa as endoscopes show it: pink, salmon, orange, ochre, pale rose.
_MUCOSA = np.array([[0.85, 0.28, 0.28], [0.88, 0.31, 0.19], [0.82, 0.34, 0.12], [0.66, 0.38, 0.08], [0.80, 0.40, 0.38]])


@dataclass(frozen=True)
class Patient:
    """One examination: mucosa, endoscope and light. Maps are periodic textures of the wall."""

    albedo: np.ndarray
    light_offset: np.ndarray
    falloff: float
    exposure: float
    wetness: float
    relief: float
    half_view: float
    mask: str
    mask_radius: float
    vessel_contrast: float
    mottle: np.ndarray
    bumps: np.ndarray
    vessels: np.ndarray


@dataclass(frozen=True)
class View:
    """Where the camera stands and looks: `axes` rows are right, down and forward; `shift` moves the wall's textures."""

    tube: Tube
    origin: np.ndarray
    axes: np.ndarray
    shift: np.ndarray


@dataclass(frozen=True)
class PolypSkin:
    """A polyp's surface: colour factors beside the wall's, strength of tubular ridges, and dark pits (maps in [0, 1])."""

    tint: np.ndarray
    ridge_strength: float
    ridges: np.ndarray
    pits: np.ndarray


@dataclass(frozen=True)
class _Traits:
    """Means of a class's draws. Lengths in pixels of a 128 px frame; the rest relative."""

    redness: float
    paleness: float
    ridges: float
    pits: float
    log_size: float
    flatness: float
    stalked: float
    lobes: float


_LOOK_ALIKES = 0.05
_TRAITS = {
    "ad": _Traits(
        redness=0.28,
        paleness=-0.03,
        ridges=0.78,
        pits=0.4,
        log_size=np.log(18.5),
        flatness=0.8,
        stalked=0.3,
        lobes=0.10,
    ),
    "non_ad": _Traits(
        redness=-0.08,
        paleness=0.09,
        ridges=0.04,
        pits=3.5,
        log_size=np.log(14.5),
        flatness=0.62,
        stalked=0.1,
        lobes=0.04,
    ),
}
_OTHER = {"ad": "non_ad", "non_ad": "ad"}


@lru_cache(maxsize=8)
def draw_patient(seed: int) -> Patient:
    rng = np.random.default_rng([1, seed])
    mixture = rng.dirichlet([1.6, 1.6, 1.2, 0.7, 1.0])
    albedo = (mixture @ _MUCOSA) * rng.normal(1, 0.05, 3)
    trees = int(rng.integers(25, 80))
    mask = str(rng.choice(["none", "circle", "octagon"], p=[0.35, 0.4, 0.25]))
    return Patient(
        albedo=albedo.astype(np.float32),
        light_offset=rng.normal(0, 0.12, 2),
        falloff=rng.uniform(0.5, 1.1),
        exposure=rng.uniform(0.75, 1.25),
        wetness=rng.uniform(0.0, 1.0),
        relief=rng.uniform(0.04, 0.1),
        half_view=rng.uniform(0.75, 1.1),
        mask=mask,
        mask_radius=rng.uniform(1.06, 1.22),
        vessel_contrast=rng.uniform(0.2, 1.1),
        mottle=mucosa.fractal_noise(rng, WALL_SIDE // 2, 1.25, coarsest=3),
        bumps=mucosa.fractal_noise(rng, WALL_SIDE // 2, 1.3, coarsest=9),
        vessels=mucosa.vessel_tree(rng, WALL_SIDE, trees).astype(np.float32),
    )


def draw_view(rng: np.random.Generator) -> View:
    folds = []
    position = rng.uniform(0.5, 1.3)
    while position < 4.5:
        lean = _on_circle(rng, 1.0)
        tilt = _on_circle(rng, rng.uniform(0, 0.35))
        height = rng.uniform(0.15, 0.5)
        width = height * rng.uniform(0.5, 0.9)
        closure = rng.uniform(-0.1, 0.8)
        folds.append(Fold(position, height, width, closure, tilt, lean))
        position += rng.uniform(0.45, 1.3)
    tube = Tube(_on_circle(rng, rng.uniform(0.0, 0.55)), rng.uniform(0, 0.07), tuple(folds))
    origin = np.array([*_on_circle(rng, rng.uniform(0, 0.45)), 0.0])
    gaze = np.array([*_on_circle(rng, np.tan(rng.uniform(0.15, 1.25))), 1.0])
    return View(tube, origin, _camera_axes(gaze, roll=rng.uniform(0, 2 * np.pi)), rng.random(2))


def draw_polyp(rng: np.random.Generator, pathology: str, view: View, half_view: float) -> tuple[PolypShape, PolypSkin]:
    """A polyp of `pathology` ("ad", "non_ad") on a part of the wall that the view shows well."""
    look = pathology if rng.random() >= _LOOK_ALIKES else _OTHER[pathology]
    traits = _TRAITS[look]
    base, normal, distance = _place(rng, view, half_view)
    pixels = float(np.clip(np.exp(rng.normal(traits.log_size, 0.3)), 6, 34))
    radius = float(np.clip(pixels / 64 * half_view * distance, 0.07, 0.5))
    stalk = rng.uniform(0.5, 1.1) if rng.random() < traits.stalked else 0.0
    shape = PolypShape(
        base=base,
        frame=_tangent_frame(normal, rng.uniform(0, 2 * np.pi)),
        radius=radius,
        flatness=float(np.clip(rng.normal(traits.flatness, 0.15), 0.45, 1.1)),
        stalk=stalk,
        lobes=max(0.0, rng.normal(traits.lobes, 0.05)),
        lobe_phase=(rng.uniform(0, 7), rng.uniform(0, 7), rng.uniform(0, 7)),
        softness=rng.uniform(0.4, 1.0),
    )
    return shape, _draw_skin(rng, traits, pixels)


def _draw_skin(rng: np.random.Generator, traits: _Traits, pixels: float) -> PolypSkin:
    redness = rng.normal(traits.redness, 0.11)
    paleness = rng.normal(traits.paleness, 0.09)
    tint = np.array([1 + 0.25 * redness, 1 - redness, 1 - 0.9 * redness]) * (1 + paleness * np.array([0.5, 1.2, 1.2]))
    return PolypSkin(
        tint=tint.astype(np.float32),
        ridge_strength=float(np.clip(rng.normal(traits.ridges, 0.22), 0.0, 1.0)),
        ridges=mucosa.labyrinth(rng, POLYP_SIDE, rng.uniform(9, 14) * np.sqrt(pixels / 16)),
        pits=_pits(rng, int(rng.poisson(traits.pits))),
    )


def _pits(rng: np.random.Generator, count: int) -> np.ndarray:
    """Round dark spots on the polyp's map, whose inner disc of radius 1/4 period faces the viewer."""
    rows, columns = np.mgrid[0:POLYP_SIDE, 0:POLYP_SIDE] / POLYP_SIDE - 0.5
    pits = np.zeros((POLYP_SIDE, POLYP_SIDE))
    for _ in range(count):
        y, x = _on_circle(rng, 0.2 * np.sqrt(rng.random()))
        spread = rng.uniform(0.014, 0.024)
        pits = np.maximum(pits, np.exp(-0.5 * ((rows - y) ** 2 + (columns - x) ** 2) / spread**2))
    return pits.astype(np.float32)


def _place(rng: np.random.Generator, view: View, half_view: float) -> tuple[np.ndarray, np.ndarray, float]:
    """A wall point, its normal and its distance: of random pixels near the middle, the one with the best outlook."""
    across, down = rng.uniform(-0.62, 0.62, (2, 48)) * half_view
    right, below, forward = view.axes
    rays = forward + across[:, None] * right + down[:, None] * below
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    x, y, z = rays.T
    travelled = march(view.tube, view.origin, (x, y, z))
    points = along(view.origin, (x, y, z), travelled)
    normals = np.stack(Scene(view.tube).normals(points), axis=1)
    facing = -(normals * rays).sum(axis=1)
    outlook = np.clip(facing, 0.05, 0.7) ** 1.5 * np.exp(-np.abs(np.log(travelled / 1.3))) * (travelled < FAR / 2)
    best = int(np.argmax(outlook * rng.uniform(0.5, 1, len(outlook))))
    return np.stack(points, axis=1)[best], normals[best], float(travelled[best])


def _camera_axes(gaze: np.ndarray, roll: float) -> np.ndarray:
    return _tangent_frame(gaze / np.linalg.norm(gaze), roll)


def _tangent_frame(normal: np.ndarray, turn: float) -> np.ndarray:
    """Rows: two unit tangents, turned by `turn`, and the normal."""
    helper = np.eye(3)[np.argmin(np.abs(normal))]
    first = np.cross(helper, normal)
    first /= np.linalg.norm(first)
    second = np.cross(normal, first)
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([cos * first + sin * second, cos * second - sin * first, normal])


def _on_circle(rng: np.random.Generator, radius: float) -> tuple[float, float]:
    angle = rng.uniform(0, 2 * np.pi)
    return float(radius * np.cos(angle)), float(radius * np.sin(angle))  # Python floats keep float32 arrays float32

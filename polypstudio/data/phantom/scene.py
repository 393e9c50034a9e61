"""Geometry of a phantom: a bent, folded tube with at most one polyp, as a signed distance field.

Points are tuples (x, y, z) of float32 arrays of one shape. Lengths are in tube radii; the tube runs along z and the camera
sits near the origin. Distances are positive inside the lumen. The field only bounds the true distance, so `march` takes
shortened steps (sphere tracing: Hart 1996; smooth union and ellipsoid bound: Quilez, "distance functions").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import minimum_filter

Array = np.ndarray
Points = tuple[Array, Array, Array]

FAR = 9.0
_ROUNDS = 16
_COARSE_ROUNDS = 5  # rays that are still on their way then only give a start that is shorter than need be
_STEPS = 4  # in a round, after which the rays that have arrived are left out
_STEP_FRACTION = 0.65
_NEAR_ENOUGH = 2e-3
_LEAST_STEP = 1e-2  # carries rays past silhouettes that they graze


@dataclass(frozen=True)
class Fold:
    """A haustral fold: a ridge across the tube at depth `position`, skewed by `tilt`, highest where the unit `lean` points.

    `closure` -1 .. 1 goes from a vanishing crescent to a ring.
    """

    position: float
    height: float
    width: float
    closure: float
    tilt: tuple[float, float]
    lean: tuple[float, float]


@dataclass(frozen=True)
class Tube:
    bend: tuple[float, float]
    triangularity: float
    folds: tuple[Fold, ...]

    def axis_offset(self, points: Points) -> tuple[Array, Array]:
        """Where points lie across the tube, measured from its bent centre line."""
        x, y, z = points
        arc = np.sqrt(1 + z * z) - 1
        return x - self.bend[0] * arc, y - self.bend[1] * arc

    def distance(self, points: Points) -> Array:
        x, y = self.axis_offset(points)
        z = points[2]
        rho = np.sqrt(x * x + y * y) + 1e-6
        cos, sin = x / rho, y / rho
        radius = 1 + self.triangularity * cos * (4 * cos * cos - 3)  # cos(3 angle): the colon is no circle
        for fold in self.folds:
            u = (z - fold.position - fold.tilt[0] * cos - fold.tilt[1] * sin) / fold.width
            crescent = np.maximum(fold.closure + fold.lean[0] * cos + fold.lean[1] * sin, 0) / (1 + fold.closure)
            profile = 1 + u * u
            radius -= fold.height * crescent / (profile * profile)
        return radius - rho


@dataclass(frozen=True)
class PolypShape:
    """An ellipsoidal head on the wall at `base`; `stalk` > 0 lifts it (pedunculated). `frame` rows: two tangents, normal."""

    base: np.ndarray
    frame: np.ndarray
    radius: float
    flatness: float
    stalk: float
    lobes: float
    lobe_phase: tuple[float, float, float]
    softness: float

    def is_near(self, points: Points) -> Array:
        """Points outside are so far off that the polyp neither blocks nor blends there; see `Scene.distance`."""
        x, y, z = (p - np.float32(b) for p, b in zip(points, self.base, strict=True))
        return x * x + y * y + z * z < np.float32((self.radius * (2.2 + self.softness + self.stalk)) ** 2)

    def local(self, points: Points) -> Points:
        """Coordinates about the head's centre, in head radii, the third along the normal."""
        centre = self.base + self.frame[2] * self.radius * self._lift
        offset = [(p - c) / self.radius for p, c in zip(points, centre.astype(np.float32), strict=True)]
        rows = self.frame.astype(np.float32)
        first, second, third = (row[0] * offset[0] + row[1] * offset[1] + row[2] * offset[2] for row in rows)
        return first, second, third

    def distance(self, points: Points) -> Array:
        """Distance to the head (and stalk) from outside it."""
        u, v, w = self.local(points)
        across = u * u + v * v
        height = w / self.flatness
        near = np.sqrt(across + height * height)
        slope = np.sqrt(across + (height / self.flatness) ** 2) + 1e-6
        head = near * (near - 1) / slope
        if self.lobes:
            a, b, c = self.lobe_phase
            head -= self.lobes * np.sin(3.1 * u + a) * np.sin(2.7 * v + b) * np.sin(2.9 * w + c)
        if self.stalk:
            along = w - np.clip(w, -self._lift, 0)
            neck = np.sqrt(across + along * along) - 0.36
            head = smooth_minimum(head, neck, 0.3)
        return head * self.radius

    @property
    def _lift(self) -> float:
        return self.stalk + 0.25 * self.flatness


@dataclass(frozen=True)
class Scene:
    tube: Tube
    polyp: PolypShape | None = None

    def distance(self, points: Points) -> Array:
        wall = self.tube.distance(points)
        if self.polyp is None:
            return wall
        near = np.flatnonzero(self.polyp.is_near(points))
        x, y, z = (p[near] for p in points)
        blend = self.polyp.softness * self.polyp.radius
        wall[near] = smooth_minimum(wall[near], self.polyp.distance((x, y, z)), blend)
        return wall

    def polyp_weight(self, points: Points) -> Array:
        """How much a surface point belongs to the polyp: 0 on the wall, 1 on the head, soft between."""
        if self.polyp is None:
            return np.zeros_like(points[0])
        blend = self.polyp.softness * self.polyp.radius + 1e-3
        return np.clip(0.5 + (self.tube.distance(points) - self.polyp.distance(points)) / blend, 0, 1)

    def normals(self, points: Points) -> Points:
        """Unit normals towards the lumen, by forward differences of the field."""
        step = np.float32(2e-3)
        x, y, z = points
        here = self.distance(points)
        gradient = (
            self.distance((x + step, y, z)) - here,
            self.distance((x, y + step, z)) - here,
            self.distance((x, y, z + step)) - here,
        )
        return normalised(gradient)


def smooth_minimum(a: Array, b: Array, width: float) -> Array:
    h = np.maximum(width - np.abs(a - b), 0) / max(width, 1e-6)
    return np.minimum(a, b) - h * h * (width / 4)


def normalised(vector: Points) -> Points:
    x, y, z = vector
    scale = 1 / np.sqrt(x * x + y * y + z * z + 1e-12)
    return x * scale, y * scale, z * scale


def along(origin: np.ndarray, direction: Points, travelled: Array) -> Points:
    x, y, z = (np.float32(o) + travelled * d for o, d in zip(origin, direction, strict=True))
    return x, y, z


def march(
    scene: Scene | Tube, origin: np.ndarray, direction: Points, start: Array | None = None, rounds: int = _ROUNDS
) -> Array:
    """How far each ray (unit `direction`) travels from `origin` until it meets the surface, at most FAR.

    `start` (default: the origin) are travelled lengths known to be short of the surface.
    """
    travelled = np.full_like(direction[0], 0.02).ravel() if start is None else start.ravel()
    active = np.arange(travelled.size)
    for _ in range(rounds):
        x, y, z = (d.ravel()[active] for d in direction)
        reach = travelled[active]
        for _ in range(_STEPS):
            room = scene.distance(along(origin, (x, y, z), reach))
            step = np.where(room > _NEAR_ENOUGH, np.maximum(_STEP_FRACTION * room, _LEAST_STEP), _STEP_FRACTION * room)
            reach = np.clip(reach + step, 0.02, FAR)
        travelled[active] = reach
        active = active[(np.abs(room) > _NEAR_ENOUGH) & (reach < FAR)]
        if not active.size:
            break
    return travelled.reshape(direction[0].shape)


def march_image(scene: Scene, origin: np.ndarray, direction: Points) -> Array:
    """`march` for a square image of rays: a coarser image first, from whose nearest lengths the finer one starts."""
    size = len(direction[0])
    x, y, z = (d[::2, ::2] for d in direction)
    nearest = minimum_filter(march(scene, origin, (x, y, z), rounds=_COARSE_ROUNDS), 3)
    start = 0.9 * nearest.repeat(2, axis=0).repeat(2, axis=1)[:size, :size]
    return march(scene, origin, direction, start)

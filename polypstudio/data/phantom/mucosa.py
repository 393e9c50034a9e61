"""Surface textures of the mucosa: periodic 2-D maps, made from random spectra and random walks."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

_TREE_STEPS = 90
_BRANCHES = 3


def fractal_noise(rng: np.random.Generator, side: int, exponent: float, coarsest: float = 1.0) -> np.ndarray:
    """Periodic (side, side) noise of zero mean and unit SD whose amplitude falls as frequency^-exponent.

    Frequencies below `coarsest` cycles a side are left out.
    """
    frequency = _frequencies(side)
    amplitude = np.where(frequency >= coarsest, np.maximum(frequency, 1.0) ** -exponent, 0.0)
    return _from_spectrum(rng, amplitude)


def labyrinth(rng: np.random.Generator, side: int, waves: float) -> np.ndarray:
    """Brain-like ridges in [-1, 1], `waves` of them a side: isotropic noise of one wavelength, as Turing patterns have."""
    frequency = _frequencies(side)
    ring = np.exp(-0.5 * ((frequency - waves) / (0.24 * waves)) ** 2)
    return np.tanh(1.3 * _from_spectrum(rng, ring))


def vessel_tree(rng: np.random.Generator, side: int, trees: int) -> np.ndarray:
    """Thin branching vessels on a periodic (side, side) map, about 0 (none) to 1 (a trunk's centre).

    Each generation starts on its parents' paths, turns away, wanders more and is fainter.
    """
    canvas = np.zeros(side * side)
    position = rng.random((trees, 2)) * side
    heading = rng.random(trees) * 2 * np.pi
    for generation in range(_BRANCHES):
        steps = _TREE_STEPS // (generation + 1)
        turns = rng.normal(0, 0.05 + 0.04 * generation, (steps, len(heading))).cumsum(axis=0) * 0.6
        turns += rng.normal(0, 0.16, (steps, len(heading)))
        angle = heading + turns
        path = position + np.cumsum(np.stack([np.cos(angle), np.sin(angle)], axis=-1), axis=0)
        taper = np.linspace(1, 0.35, steps)[:, None] * 0.72**generation
        _splat(canvas, side, path.reshape(-1, 2), np.broadcast_to(taper, angle.shape).ravel())
        start = rng.integers(steps // 8, steps, (2, len(heading)))
        walker = np.broadcast_to(np.arange(len(heading)), start.shape)
        side_turn = rng.choice([-1.0, 1.0], start.shape) * rng.uniform(0.5, 1.1, start.shape)
        position = path[start, walker].reshape(-1, 2)
        heading = (angle[start, walker] + side_turn).ravel()
    return np.clip(gaussian_filter(np.minimum(canvas, 1.3).reshape(side, side), 0.65, mode="wrap") * 1.3, 0, 1)


def sample(texture: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Bilinear values of a periodic texture at (u, v), one period a unit."""
    side = texture.shape[0]
    return map_coordinates(texture, [u * side, v * side], order=1, mode="grid-wrap")


def _frequencies(side: int) -> np.ndarray:
    return np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]) * side


def _from_spectrum(rng: np.random.Generator, amplitude: np.ndarray) -> np.ndarray:
    side = amplitude.shape[0]
    white = np.fft.rfft2(rng.standard_normal((side, side)))
    field = np.fft.irfft2(white * amplitude, s=(side, side))
    field -= field.mean()
    return (field / field.std()).astype(np.float32)


def _splat(canvas: np.ndarray, side: int, path: np.ndarray, weight: np.ndarray) -> None:
    """Add points to a flat periodic canvas, shared among their four neighbours."""
    corner = np.floor(path).astype(np.int64)
    part = path - corner
    for dy in (0, 1):
        for dx in (0, 1):
            share = (part[:, 0] if dy else 1 - part[:, 0]) * (part[:, 1] if dx else 1 - part[:, 1])
            index = ((corner[:, 0] + dy) % side) * side + (corner[:, 1] + dx) % side
            np.add.at(canvas, index, share * weight)

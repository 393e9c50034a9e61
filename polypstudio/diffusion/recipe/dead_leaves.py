"""Procedural pictures to train an image codec on: dead leaves under an endoscope's light.

A dead-leaves picture is a pile of opaque shapes whose sizes follow a power law; it shares the edge and scale
statistics of natural images (Lee, Mumford & Huang 2001), which is why networks trained on it see real images well
(Baradad et al. 2021). Half of the palettes are those of a colonoscopy; the rest is any colour, so that a codec
trained here survives images nobody foresaw.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

MUCOSA_SHARE = 0.6


def dead_leaves(seed: int, size: int = 128) -> NDArray[np.uint8]:
    """Draw one picture of shape (size, size, 3); the same seed gives the same picture."""
    rng = np.random.default_rng([seed, size])
    palette = _mucosa_palette(rng) if rng.random() < MUCOSA_SHARE else rng.random((rng.integers(2, 7), 3))
    textures = [_pink_noise(rng, 2 * size) for _ in range(3)]
    picture = _leaf_surface(rng, palette, textures, size, size)
    for _ in range(int(np.exp(rng.uniform(np.log(6), np.log(140))))):
        _lay_leaf(rng, picture, palette, textures)
    for _ in range(rng.poisson(2.0)):
        _lay_vessel(rng, picture)
    if rng.random() < 0.6:
        picture = _warp(rng, picture)
    if rng.random() < 0.25:
        picture = _blur(picture, rng.uniform(0.5, 2.0))
    picture *= _light(rng, size)[..., None]
    if rng.random() < 0.7:
        _add_highlights(rng, picture)
    if rng.random() < 0.2:
        picture *= _scope_mask(rng, size)[..., None]
    picture += rng.normal(0, rng.uniform(0, 0.012), picture.shape).astype(np.float32)
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def _mucosa_palette(rng: np.random.Generator) -> NDArray[np.float64]:
    """Neighbouring tones of one mucosa, pink to brown-red or bile-stained, with one foreign tone now and then."""
    pale, deep = np.array([0.92, 0.72, 0.62]), np.array([0.48, 0.16, 0.11])
    if rng.random() < 0.3:
        pale, deep = np.array([0.85, 0.75, 0.42]), np.array([0.45, 0.30, 0.08])
    mix = np.clip(rng.uniform(0.1, 0.9) + rng.normal(0, 0.15, 5), 0, 1)[:, None]
    tones = mix * pale + (1 - mix) * deep + rng.normal(0, 0.06, 3) + rng.normal(0, 0.03, (5, 3))
    if rng.random() < 0.3:
        tones[0] = rng.random(3)
    return np.clip(tones, 0.02, 1.0)


def _pink_noise(rng: np.random.Generator, size: int) -> Floats:
    """Gaussian noise whose amplitude falls as 1/f**a, of mean 0 and standard deviation 1."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :])
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.normal(size=(size, size))) / frequency ** rng.uniform(0.7, 1.8)
    spectrum[0, 0] = 0.0
    noise = np.fft.irfft2(spectrum, s=(size, size))
    return (noise / noise.std()).astype(np.float32)


def _leaf_surface(
    rng: np.random.Generator, palette: NDArray[np.float64], textures: list[Floats], height: int, width: int
) -> Floats:
    """Colour of a leaf: one tone, textured in brightness and a little in hue, and shaded as a slope or a bulge."""
    tone = palette[rng.integers(len(palette))] * rng.uniform(0.8, 1.15)
    grain, hue = (_crop(rng, textures[i], height, width) for i in rng.integers(len(textures), size=2))
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None, :]
    slope_y, slope_x, bulge = rng.normal(0, 0.25, 3)
    shade = slope_y * y + slope_x * x - bulge * (y**2 + x**2)
    brightness = 1 + shade + rng.uniform(0, 0.15) * grain
    tint = rng.normal(0, 0.03, 3)
    return (tone * brightness[..., None] + tint * hue[..., None]).astype(np.float32)


def _crop(rng: np.random.Generator, field: Floats, height: int, width: int) -> Floats:
    top, left = rng.integers(field.shape[0] - height + 1), rng.integers(field.shape[1] - width + 1)
    return field[top : top + height, left : left + width]


def _lay_leaf(rng: np.random.Generator, picture: Floats, palette: NDArray[np.float64], textures: list[Floats]) -> None:
    """Paint one soft ellipse whose radius has the density r**-2 between 2 and 45 percent of the picture's side."""
    size = len(picture)
    smallest, largest = 0.02 * size, 0.45 * size
    u = rng.random()
    radius = 1 / ((1 - u) / smallest + u / largest)
    aspect = np.exp(rng.normal(0, 0.5))
    axes, angle = (radius * aspect, radius / aspect), rng.uniform(0, np.pi)
    centre = rng.uniform(0, size, 2)
    softness = np.exp(rng.uniform(np.log(0.4), np.log(6)))
    rows, columns = _window(centre, max(axes) + softness, size)
    if rows.size == 0 or columns.size == 0:
        return
    cover = _ellipse(rows, columns, centre, axes, angle, softness)[..., None]
    surface = _leaf_surface(rng, palette, textures, rows.size, columns.size)
    patch = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    patch += cover * (surface - patch)


def _window(centre: NDArray[np.float64], reach: float, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the picture within `reach` pixels of the centre."""
    low = np.maximum(np.floor(centre - reach), 0).astype(int)
    high = np.minimum(np.ceil(centre + reach) + 1, size).astype(int)
    return np.arange(low[0], high[0]), np.arange(low[1], high[1])


def _ellipse(
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    centre: NDArray[np.float64],
    axes: tuple[float, float],
    angle: float,
    softness: float,
) -> Floats:
    """Cover in [0, 1] of an ellipse whose edge fades over `softness` pixels."""
    y, x = rows[:, None] - centre[0], columns[None, :] - centre[1]
    along = (x * np.cos(angle) + y * np.sin(angle)) / axes[0]
    across = (y * np.cos(angle) - x * np.sin(angle)) / axes[1]
    distance = (np.hypot(along, across) - 1) * min(axes)
    return np.clip(0.5 - distance / softness, 0, 1).astype(np.float32)


def _lay_vessel(rng: np.random.Generator, picture: Floats) -> None:
    """Darken the pixels along a meandering line, one to two pixels wide."""
    size = len(picture)
    heading = np.cumsum(rng.normal(0, 0.18, 2 * size)) + rng.uniform(0, 2 * np.pi)
    path = rng.uniform(0, size, 2)[:, None] + 0.7 * np.cumsum([np.sin(heading), np.cos(heading)], axis=1)
    path = path[:, : rng.integers(size // 4, 2 * size)]
    inside = ((path >= 0) & (path < size - 1)).all(axis=0)
    line = np.zeros((size, size), np.float32)
    line[path[0, inside].astype(int), path[1, inside].astype(int)] = 1.0
    ink = np.clip(_blur(line[..., None], rng.uniform(0.5, 1.1)) * 2.2, 0, 1)
    picture *= 1 - ink * (rng.uniform(0.1, 0.45) * np.array([0.5, 1.0, 0.9], np.float32))


def _warp(rng: np.random.Generator, picture: Floats) -> Floats:
    """Bend straight outlines into organic ones: resample along a smooth random displacement."""
    size = len(picture)
    bends = np.stack([_blur(_pink_noise(rng, size)[..., None], 4.0)[..., 0] for _ in range(2)])
    where = np.clip(np.mgrid[:size, :size] + rng.uniform(2, 9) * bends, 0, size - 1.001)
    (top, left), (dy, dx) = where.astype(int), (where % 1).astype(np.float32)[..., None]
    upper = picture[top, left] * (1 - dx) + picture[top, left + 1] * dx
    lower = picture[top + 1, left] * (1 - dx) + picture[top + 1, left + 1] * dx
    return upper * (1 - dy) + lower * dy


def _blur(picture: Floats, sigma: float) -> Floats:
    """Gaussian blur by FFT over a reflected border; `sigma` in pixels."""
    margin = int(np.ceil(4 * sigma))
    padded = np.pad(picture, ((margin, margin), (margin, margin), (0, 0)), mode="reflect")
    fy, fx = np.fft.fftfreq(padded.shape[0])[:, None], np.fft.rfftfreq(padded.shape[1])[None, :]
    transfer = np.exp(-2 * (np.pi * sigma) ** 2 * (fy**2 + fx**2))[..., None]
    spectrum = np.fft.rfft2(padded, axes=(0, 1)) * transfer
    blurred = np.fft.irfft2(spectrum, s=padded.shape[:2], axes=(0, 1))
    return blurred[margin:-margin, margin:-margin].astype(np.float32)


def _light(rng: np.random.Generator, size: int) -> Floats:
    """Brightness of a lamp near the lens: a falloff around a random point and one dark lumen at most."""
    y, x = np.mgrid[:size, :size] / size - rng.uniform(0.2, 0.8, 2)[:, None, None]
    light = rng.uniform(0.85, 1.35) / (1 + (np.hypot(y, x) / rng.uniform(0.5, 2.5)) ** 2)
    if rng.random() < 0.35:
        y, x = np.mgrid[:size, :size] / size - rng.uniform(0.1, 0.9, 2)[:, None, None]
        light *= 1 - rng.uniform(0.5, 1.0) * np.exp(-(y**2 + x**2) / (2 * rng.uniform(0.05, 0.25) ** 2))
    return light.astype(np.float32)


def _add_highlights(rng: np.random.Generator, picture: Floats) -> None:
    """Blend small near-white spots in, alone or in clusters, as wet mucosa reflects the lamp."""
    size = len(picture)
    cluster = rng.uniform(0, size, 2)
    for _ in range(rng.integers(1, 24)):
        centre = cluster + rng.normal(0, 0.08 * size, 2) if rng.random() < 0.7 else rng.uniform(0, size, 2)
        axes = tuple(np.exp(rng.uniform(np.log(0.5), np.log(4), 2)))
        softness = rng.uniform(0.5, 3)
        rows, columns = _window(centre, max(axes) + softness + 1, size)
        if rows.size and columns.size:
            cover = _ellipse(rows, columns, centre, axes, rng.uniform(0, np.pi), softness)[..., None]
            patch = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            patch += rng.uniform(0.5, 1.0) * cover * (rng.uniform(0.85, 1.05) - patch)


def _scope_mask(rng: np.random.Generator, size: int) -> Floats:
    """The black surround of an endoscope's picture: a disc, or cut corners."""
    y, x = np.abs(np.mgrid[:size, :size] / (size - 1) - 0.5)
    reach = np.hypot(y, x) / rng.uniform(0.55, 0.7) if rng.random() < 0.5 else (y + x) / rng.uniform(0.75, 0.95)
    return np.clip((1 - reach) * size / rng.uniform(1, 4) + 0.5, 0, 1).astype(np.float32)

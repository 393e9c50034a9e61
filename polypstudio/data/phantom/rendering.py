"""From a drawn scene to pixels: ray marching, light near the camera, wet mucosa, the endoscope's mask, blur."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import convolve, gaussian_filter

from polypstudio.data.phantom.appearance import Patient, PolypSkin, View, draw_patient, draw_polyp, draw_view
from polypstudio.data.phantom.mucosa import sample
from polypstudio.data.phantom.scene import Array, Points, PolypShape, Scene, along, march_image, normalised

LABELS = ("ad", "non_ad", "unlabelled", "non_polyp")
_TURN = np.float32(2 * np.pi)


def render(label: str, patient_seed: int, frame_seed: int, size: int = 128, sharp: bool = True) -> np.ndarray:
    """One phantom frame, (size, size, 3) uint8.

    The same seeds give the same picture; another `label` with them gives the same view with another polyp, or none.
    An "unlabelled" frame holds a polyp of either class. Raises ValueError for any other label.
    """
    if label not in LABELS:
        raise ValueError(f"label {label!r}: one of {', '.join(LABELS)}")
    patient = draw_patient(patient_seed)
    seeds = [patient_seed, frame_seed]
    view = draw_view(np.random.default_rng([2, *seeds]))
    shape, skin = None, None
    if label != "non_polyp":
        hidden = str(np.random.default_rng([3, *seeds]).choice(["ad", "non_ad"]))
        pathology = hidden if label == "unlabelled" else label
        shape, skin = draw_polyp(np.random.default_rng([4, *seeds]), pathology, view, patient.half_view)
    linear = _radiance(patient, view, shape, skin, size)
    return _expose(linear, patient, np.random.default_rng([5, *seeds]), sharp)


def _radiance(patient: Patient, view: View, shape: PolypShape | None, skin: PolypSkin | None, size: int) -> np.ndarray:
    """Linear light that reaches each pixel, (size, size, 3) float32."""
    scene = Scene(view.tube, shape)
    direction = _rays(view, patient.half_view, size)
    travelled = march_image(scene, view.origin, direction).ravel()
    direction = (direction[0].ravel(), direction[1].ravel(), direction[2].ravel())
    points = along(view.origin, direction, travelled)
    smooth = scene.normals(points)
    on_polyp = scene.polyp_weight(points)

    u, v = _wall_coordinates(view, points)
    fading = np.exp(-0.35 * travelled)  # textures finer than a pixel average out with distance
    bumps = sample(patient.bumps, 2 * u, 2 * v), sample(patient.bumps, 2 * v + 0.37, 2 * u)
    albedo = patient.albedo * np.exp(0.07 * sample(patient.mottle, u, v) * (1 - 0.6 * on_polyp))[:, None]
    vessels = sample(patient.vessels, u, v) * fading * (1 - on_polyp) * patient.vessel_contrast
    albedo = albedo * np.exp(-vessels[:, None] * np.array([0.35, 1.0, 0.9], np.float32))
    ridges = np.zeros_like(u)
    if shape is not None and skin is not None:
        albedo, ridges = _dress_polyp(albedo, on_polyp, shape, skin, points, -_dot(smooth, direction))

    tilt = patient.relief * fading * (1 - 0.5 * on_polyp)
    right, down, forward = view.axes.astype(np.float32)
    x, y, z = (
        n + tilt * (bumps[0] * right[i] + bumps[1] * down[i]) - 0.2 * ridges * forward[i] for i, n in enumerate(smooth)
    )
    normal = normalised((x, y, z))
    light = view.origin + patient.light_offset @ view.axes[:2]
    x, y, z = (np.float32(o) - p for o, p in zip(light, points, strict=True))
    reach = np.sqrt(x * x + y * y + z * z)
    towards = normalised((x, y, z))
    lambert = np.clip(0.72 * _dot(normal, towards) + 0.28, 0.0, None)
    irradiance = lambert * _openness(scene, points, smooth) / (0.3 + reach**patient.falloff * reach)
    irradiance /= np.percentile(irradiance, 78)
    bounces = 1 + 0.5 * np.clip(1 - irradiance, 0, 1)  # shadows are lit by mucosa, hence redder
    colour = irradiance[:, None] * albedo ** bounces[:, None]
    x, y, z = (t - d for t, d in zip(towards, direction, strict=True))
    half = normalised((x, y, z))
    wet = np.clip(0.6 * sample(patient.bumps, 0.5 * u, 0.5 * v) + 2 * patient.wetness - 1.2, 0, 1) + on_polyp
    gloss = np.clip(_dot(normal, half), 0, 1) ** 300
    glare = np.clip(2.4 * wet * gloss * np.minimum(irradiance, 1.5) - 0.5, 0, 2.5)
    return (colour * 1.3 * patient.exposure + glare[:, None]).reshape(size, size, 3)


def _rays(view: View, half_view: float, size: int) -> Points:
    """Unit directions through the pixel centres, each component (size, size)."""
    grid = ((np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1) * np.float32(half_view)
    across, down = np.meshgrid(grid, grid)
    right, below, forward = view.axes.astype(np.float32)
    x, y, z = (forward[i] + across * right[i] + down * below[i] for i in range(3))
    return normalised((x, y, z))


def _wall_coordinates(view: View, points: Points) -> tuple[Array, Array]:
    x, y = view.tube.axis_offset(points)
    return np.arctan2(y, x) / _TURN + np.float32(view.shift[0]), points[2] / _TURN + np.float32(view.shift[1])


def _dress_polyp(
    albedo: Array, on_polyp: Array, shape: PolypShape, skin: PolypSkin, points: Points, facing: Array
) -> tuple[Array, Array]:
    """The polyp's colour laid over the wall's, and the height of its ridges (which fade where seen edge-on)."""
    a, b, c = shape.local(points)
    spread = 0.25 / (np.sqrt(np.minimum(a * a + b * b + c * c, 1)) * 0.6 + np.maximum(c, 0) * 0.4 + 1e-3)
    u, v = a * spread + 0.5, b * spread + 0.5
    ridges = sample(skin.ridges, u, v) * skin.ridge_strength * on_polyp * np.clip(facing, 0, 1)
    pits = sample(skin.pits, u, v) * on_polyp
    tint = 1 + on_polyp[:, None] * (skin.tint - 1)
    shade = np.exp((0.28 * ridges - 0.7 * pits)[:, None] * np.array([0.5, 1.0, 1.0], np.float32))
    return albedo * tint * shade, ridges


def _openness(scene: Scene, points: Points, normals: Points) -> Array:
    """Ambient occlusion in [0.25, 1]: how much room the field leaves a little above the surface."""
    openness = np.ones_like(points[0])
    for height in (0.07, 0.2):
        x, y, z = (p + np.float32(height) * n for p, n in zip(points, normals, strict=True))
        openness *= np.clip(0.35 + 0.65 * scene.distance((x, y, z)) / height, 0.5, 1)
    return openness


def _expose(linear: np.ndarray, patient: Patient, rng: np.random.Generator, sharp: bool) -> np.ndarray:
    """Tone curve, optics, mask and sensor: linear light to uint8."""
    tone = (1 - np.exp(-1.5 * linear)) ** np.float32(1 / 1.9)
    size = len(tone)
    tone = gaussian_filter(tone, (0.6 * size / 128, 0.6 * size / 128, 0)) if sharp else _blurred(tone, rng)
    tone *= _mask(patient, size)[..., None]
    grain = gaussian_filter(rng.standard_normal((size, size)), 0.6)[..., None] * 0.006
    return np.clip(np.rint((tone + grain * tone) * 255), 0, 255).astype(np.uint8)


def _blurred(tone: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Out of focus or moved during the exposure, with equal odds."""
    scale = len(tone) / 128
    if rng.random() < 0.5:
        sigma = rng.uniform(1.6, 3.0) * scale
        return gaussian_filter(tone, (sigma, sigma, 0))
    length, angle = rng.uniform(7, 14) * scale, rng.uniform(0, np.pi)
    reach = int(np.ceil(length / 2))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    for step in np.linspace(-length / 2, length / 2, 4 * reach + 1):
        kernel[round(reach + step * np.sin(angle)), round(reach + step * np.cos(angle))] += 1
    kernel = gaussian_filter(kernel, 0.7)
    return convolve(tone, (kernel / kernel.sum())[..., None].astype(np.float32), mode="nearest")


def _mask(patient: Patient, size: int) -> np.ndarray:
    """The endoscope's window: 1 inside, 0 in its dark corners, a soft edge and a slight fall towards the rim."""
    grid = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(grid, grid)
    radius = np.hypot(x, y)
    shading = 1 - 0.12 * radius**2
    if patient.mask == "none":
        return shading
    rim = radius if patient.mask == "circle" else np.maximum(np.abs(x) + np.abs(y), 0) / np.float32(1.38)
    return shading * np.clip((patient.mask_radius - rim) * size / 5 + 0.5, 0, 1)


def _dot(a: Points, b: Points) -> Array:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]

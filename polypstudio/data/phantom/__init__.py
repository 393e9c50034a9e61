"""Procedural colonoscopy frames ("phantoms"): no patient's image, and labelled a phantom wherever it is shown.

A frame is a small ray-marched scene. `scene` is its geometry (a folded tube and one polyp), `mucosa` its surface textures,
`appearance` what is drawn at random for a patient, a frame and a polyp of either class, `rendering` turns these into pixels
and `dataset` into labelled, grouped sets of images.
"""

from polypstudio.data.phantom.dataset import PhantomImage, phantom_images, write_phantom
from polypstudio.data.phantom.rendering import render

__all__ = ["PhantomImage", "phantom_images", "render", "write_phantom"]

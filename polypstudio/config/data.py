"""``[data]``: the real images of a study."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from polypstudio.config.section import Section

LAYOUTS = ("folder", "phantom")


class DataConfig(Section):
    """Where the real images are. A relative ``path`` starts at the study's folder."""

    path: str
    layout: Literal["folder", "phantom"] = "folder"
    definition: str = Field(
        "Labels as the dataset gives them; the dataset's own definition was not entered.",
        description="what ad and non_ad mean in this dataset: histology or endoscopist, where serrated lesions go",
    )
    phantom: bool = Field(False, description="procedural images, labelled a phantom wherever they are shown")

"""``[data]``: the real images of a study."""

from __future__ import annotations

from typing import Literal, get_args

from pydantic import Field

from polypstudio.config.section import Section

LayoutName = Literal["folder", "phantom", "sun", "sun-seg", "clinichd-segment", "clinichd-classif"]
LAYOUTS: tuple[LayoutName, ...] = get_args(LayoutName)


class DataSource(Section):
    """A dataset beside the study's own, such as SUN for the first stage: an absolute path, and how its files lie."""

    path: str
    layout: LayoutName


class DataConfig(Section):
    """Where the real images are. A relative ``path`` starts at the study's folder."""

    path: str
    layout: LayoutName = "folder"
    also: tuple[DataSource, ...] = Field((), description="datasets that are added to it")
    definition: str = Field(
        "Labels as the dataset gives them; the dataset's own definition was not entered.",
        description="what ad and non_ad mean in this dataset: histology or endoscopist, where serrated lesions go",
    )
    phantom: bool = Field(False, description="procedural images, labelled a phantom wherever they are shown")

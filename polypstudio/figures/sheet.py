"""A sheet of samples as the paper's Fig. 3 shows them: rows AD and Non-AD, a column an iteration, one noise a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont

from polypstudio.figures.style import COLOURS
from polypstudio.records import PATHOLOGY_NAMES

GAP = 6
HEAD = 26
NAMES = 78  # width of the column of row names
INK, PAPER, FAINT = "#17202b", "#ffffff", "#dfe3e8"

Row = tuple[str, int]  # class, index of the sample


def sample_sheet(
    iterations: Sequence[int], rows: Sequence[Row], images: Mapping[tuple[int, Row], Image.Image], side: int
) -> Image.Image:
    """``images`` by (iteration, row), each shown ``side`` pixels wide; a crossed field stands where one is missing."""
    size = (NAMES + len(iterations) * (side + GAP) + GAP, HEAD + len(rows) * (side + GAP) + GAP)
    sheet = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(15)
    for column, iteration in enumerate(iterations):
        x = NAMES + column * (side + GAP)
        pen.text((x + side / 2, HEAD / 2 + 2), str(iteration), fill=INK, font=font, anchor="mm")
        for line, row in enumerate(rows):
            _place(sheet, pen, images.get((iteration, row)), x, HEAD + line * (side + GAP), side)
    for line, (label, index) in enumerate(rows):
        y = HEAD + line * (side + GAP) + side / 2
        pen.text((8, y - 8), PATHOLOGY_NAMES[label], fill=COLOURS[label], font=font, anchor="lm")
        pen.text((8, y + 10), f"sample {index}", fill=INK, font=ImageFont.load_default(11), anchor="lm")
    return sheet


def _place(sheet: Image.Image, pen: ImageDraw.ImageDraw, image: Image.Image | None, x: int, y: int, side: int) -> None:
    if image is None:
        pen.rectangle((x, y, x + side - 1, y + side - 1), outline=FAINT)
        pen.line((x, y, x + side - 1, y + side - 1), fill=FAINT)
        return
    sheet.paste(image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS), (x, y))

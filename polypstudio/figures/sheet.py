"""A sheet of samples as the paper's Fig. 3 shows them: rows AD and Non-AD, a column an iteration, one noise a row."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

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
    sheet = Image.new("RGB", _size(iterations, rows, side), PAPER)
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


def sample_sheet_svg(
    iterations: Sequence[int], rows: Sequence[Row], images: Mapping[tuple[int, Row], Image.Image], side: int
) -> str:
    """The same sheet as SVG: text stays text, and each image is inside in its own pixels."""
    width, height = map(str, _size(iterations, rows, side))
    font = {"font-family": "sans-serif", "font-size": "15", "fill": INK}
    box = {"width": width, "height": height}
    drawing = ElementTree.Element(
        "svg", {"xmlns": "http://www.w3.org/2000/svg", **box, "viewBox": f"0 0 {width} {height}"}
    )
    ElementTree.SubElement(drawing, "rect", {**box, "fill": PAPER})

    def text(words: str, x: float, y: float, **look: str) -> None:
        given = {
            "x": f"{x:g}",
            "y": f"{y:g}",
            **font,
            **{name.replace("_", "-"): value for name, value in look.items()},
        }
        ElementTree.SubElement(drawing, "text", given).text = words

    for column, iteration in enumerate(iterations):
        x = NAMES + column * (side + GAP)
        text(str(iteration), x + side / 2, HEAD / 2 + 7, text_anchor="middle")
        for line, row in enumerate(rows):
            place = {"x": str(x), "y": str(HEAD + line * (side + GAP)), "width": str(side), "height": str(side)}
            image = images.get((iteration, row))
            if image is None:
                ElementTree.SubElement(drawing, "rect", {**place, "fill": "none", "stroke": FAINT})
            else:
                ElementTree.SubElement(drawing, "image", {**place, "href": _data_address(image)})
    for line, (label, index) in enumerate(rows):
        y = HEAD + line * (side + GAP) + side / 2
        text(PATHOLOGY_NAMES[label], 8, y - 3, fill=COLOURS[label])
        text(f"sample {index}", 8, y + 14, font_size="11")
    return ElementTree.tostring(drawing, encoding="unicode")


def _size(iterations: Sequence[int], rows: Sequence[Row], side: int) -> tuple[int, int]:
    return NAMES + len(iterations) * (side + GAP) + GAP, HEAD + len(rows) * (side + GAP) + GAP


def _data_address(image: Image.Image) -> str:
    content = io.BytesIO()
    image.convert("RGB").save(content, "PNG")
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def _place(sheet: Image.Image, pen: ImageDraw.ImageDraw, image: Image.Image | None, x: int, y: int, side: int) -> None:
    if image is None:
        pen.rectangle((x, y, x + side - 1, y + side - 1), outline=FAINT)
        pen.line((x, y, x + side - 1, y + side - 1), fill=FAINT)
        return
    sheet.paste(image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS), (x, y))

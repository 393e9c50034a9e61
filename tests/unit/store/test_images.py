"""Every way in which an image file may be unusual or broken."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, UnidentifiedImageError

from polypstudio.errors import UserError
from polypstudio.store import images
from polypstudio.store.images import image_size, load_rgb

RNG = np.random.default_rng(0)
PHOTO = np.asarray(Image.fromarray(RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((80, 60)))


def test_a_plain_image_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    Image.fromarray(PHOTO).save(tmp_path / "a.png")
    pixels = load_rgb(tmp_path / "a.png")
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, PHOTO)


def test_the_centre_square_is_cut_out_and_resampled(tmp_path: Path) -> None:
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40] = (200, 100, 50)
    Image.fromarray(wide).save(tmp_path / "a.png")
    np.testing.assert_array_equal(load_rgb(tmp_path / "a.png", 20), wide[:, 20:40])
    assert (load_rgb(tmp_path / "a.png", 10) == (200, 100, 50)).all()
    assert load_rgb(tmp_path / "a.png", 33).shape == (33, 33, 3)


def test_reduction_is_antialiased(tmp_path: Path) -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save(tmp_path / "a.png")
    reduced = load_rgb(tmp_path / "a.png", 16)[2:-2, 2:-2]
    assert abs(reduced.astype(int) - 127).max() <= 4


def test_grey_is_repeated(tmp_path: Path) -> None:
    Image.fromarray(PHOTO[..., 0]).save(tmp_path / "a.png")
    np.testing.assert_array_equal(load_rgb(tmp_path / "a.png"), np.repeat(PHOTO[..., :1], 3, axis=2))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path, suffix: str) -> None:
    values = np.array([[0, 255, 257, 32896, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / f"a.{suffix}")
    assert load_rgb(tmp_path / f"a.{suffix}")[0, :, 0].tolist() == [0, 1, 1, 128, 255]


def test_cmyk_is_converted(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    red, green, blue = load_rgb(tmp_path / "a.jpg")[4, 4].tolist()
    assert (red > 240, green < 15, blue < 15) == (True, True, True)


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 210, 20, 30])
    image.save(tmp_path / "a.png")
    assert (load_rgb(tmp_path / "a.png") == (210, 20, 30)).all()


@pytest.mark.parametrize(("mode", "colour", "expected"), [("RGBA", (200, 100, 50, 0), 0), ("LA", (90, 255), 90)])
def test_transparency_lies_on_black(tmp_path: Path, mode: str, colour: tuple[int, ...], expected: int) -> None:
    Image.new(mode, (4, 4), colour).save(tmp_path / "a.png")
    assert (load_rgb(tmp_path / "a.png") == expected).all()


def test_a_transparent_palette_entry_lies_on_black(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 210, 20, 30])
    image.save(tmp_path / "a.png", transparency=1)
    assert (load_rgb(tmp_path / "a.png") == 0).all()


def test_the_exif_orientation_is_followed(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side: turn by 90° clockwise
    Image.fromarray(PHOTO).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(load_rgb(tmp_path / "a.png"), np.rot90(PHOTO, -1))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.png: no such file"):
        load_rgb(tmp_path / "a.png")


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(UserError, match=r"a\.png: the file is empty"):
        load_rgb(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif", "webp", "gif"])
@pytest.mark.parametrize("kept", [0.05, 0.4, 0.8])
def test_a_truncated_file_is_named(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(UserError, match=rf"a\.{suffix}: ") as error:
        load_rgb(path)
    assert "\n" not in str(error.value)


def test_a_text_file_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("not an image")
    with pytest.raises(UserError, match=r"a\.jpg: not an image"):
        load_rgb(tmp_path / "a.jpg")


@pytest.mark.parametrize("suffix", ["gif", "webp", "tif", "png"])
def test_an_animation_is_refused_with_its_number_of_frames(tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(RNG.integers(0, 256, (16, 16, 3), dtype=np.uint8)) for _ in range(3)]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    with pytest.raises(UserError, match=rf"a\.{suffix}: has 3 frames; export one of them as PNG"):
        load_rgb(tmp_path / f"a.{suffix}")


def test_float_pixels_have_no_range(tmp_path: Path) -> None:
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(UserError, match=r"a\.tif: pixels of mode F"):
        load_rgb(tmp_path / "a.tif")


def test_too_many_pixels_are_refused_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (50, 50)).save(tmp_path / "a.png")
    monkeypatch.setattr(images, "MAX_PIXELS", 2000)
    with pytest.raises(UserError, match=r"more than 2,000 pixels"):
        load_rgb(tmp_path / "a.png")


def test_a_decompression_bomb_is_refused(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    Image.new("RGB", (1, 1)).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[:16] + header + content[16 + len(header) :])
    with pytest.raises(UserError, match=r"a\.png"):
        load_rgb(tmp_path / "a.png")


@pytest.mark.parametrize(
    "layout",
    [
        {"bigtiff": True, "byteorder": ">"},
        {"planarconfig": "separate", "compression": "zlib", "predictor": True},
        {"compression": "zlib", "predictor": True, "tile": (16, 16)},
    ],
    ids=["bigtiff", "planes apart", "tiles"],
)
def test_tiffs_as_in_cvc_clinicdb_are_read_whether_pillow_can_or_not(tmp_path: Path, layout: dict) -> None:
    path = tmp_path / "a.tif"
    pixels = np.moveaxis(PHOTO, -1, 0) if "planarconfig" in layout else PHOTO
    tifffile.imwrite(path, pixels, photometric="rgb", **layout)
    np.testing.assert_array_equal(load_rgb(path), PHOTO)
    assert image_size(path) == PHOTO.shape[1::-1]


def test_the_first_of_these_tiffs_is_beyond_pillow(tmp_path: Path) -> None:
    """As those of CVC-ClinicDB are: what the others test is worth nothing without it."""
    tifffile.imwrite(tmp_path / "a.tif", PHOTO, photometric="rgb", bigtiff=True, byteorder=">")
    with pytest.raises(UnidentifiedImageError):
        Image.open(tmp_path / "a.tif")


def test_a_tiff_that_nobody_can_read_is_named(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", PHOTO, photometric="rgb", compression="zlib")
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"a\.tif: (not a TIFF that can be read|broken or truncated)"):
        load_rgb(tmp_path / "a.tif")

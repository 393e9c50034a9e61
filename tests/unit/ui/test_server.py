"""The server: who is let in, and what a browser can get by an address."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from study_factory import generated_study

from polypstudio.ui.server import COOKIE, create_app

KEY = "the-key-of-this-test"
IMAGE = "/study/generated/image/iterations/000160/ad/1"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checkpoints")
    generated_study(root, "generated", iterations=2, per_class=2, real=4, results=False)
    (root / "secret.png").write_bytes((root / "generated/data/train/ad/00000.png").read_bytes())
    return root


@pytest.fixture(scope="module")
def open_to_all(root: Path) -> TestClient:
    return TestClient(create_app(root))


@pytest.fixture
def guarded(root: Path) -> TestClient:
    return TestClient(create_app(root, key=KEY))


def test_images_are_served_as_they_are_on_disk(open_to_all: TestClient, root: Path) -> None:
    answer = open_to_all.get(IMAGE)
    file = root / "generated/iterations/000160/samples/ad/00001.png"
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(file.read_bytes()).digest()
    assert answer.headers["content-type"] == "image/png"


def test_only_addresses_with_a_version_are_kept_for_good(open_to_all: TestClient) -> None:
    assert open_to_all.get(IMAGE).headers["cache-control"] == "no-cache"
    version = hashlib.sha256(open_to_all.get(IMAGE).content).hexdigest()[:16]
    assert "immutable" in open_to_all.get(f"{IMAGE}?v={version}").headers["cache-control"]


@pytest.mark.parametrize("image", [IMAGE, "/study/generated/image/real/train/ad/1"])
def test_a_replaced_image_is_not_served_under_the_address_of_the_old_one(open_to_all: TestClient, image: str) -> None:
    """It would be kept for good under that address: the page would show the wrong image from then on."""
    assert open_to_all.get(image).status_code == 200
    assert open_to_all.get(f"{image}?v=0123456789abcdef").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/study/generated/image/iterations/000160/ad/2",
        "/study/generated/image/iterations/000160/ad/-1",
        "/study/generated/image/real/train/ad/4",
        "/study/generated/image/real/validation/ad/0",
        "/study/generated/image/iterations/000160/other/0",
        "/study/generated/image/iterations/..%2F..%2F../ad/0",
        "/study/generated/image/real/..%2F..%2F../ad/0",
        "/study/..%2Fgenerated/image/real/train/ad/0",
        "/study/absent/image/real/train/ad/0",
        "/study/generated/image/../../secret.png/ad/0",
    ],
)
def test_nothing_but_images_of_the_study_is_served(open_to_all: TestClient, path: str) -> None:
    assert open_to_all.get(path).status_code == 404


@pytest.mark.parametrize(
    "path", ["/", "/config", "/gradio_api/info", IMAGE, "/study/generated/iterations", "/theme.css", "/readme"]
)
def test_without_the_key_nothing_of_the_dashboard_is_told(guarded: TestClient, path: str) -> None:
    answer = guarded.get(path)
    assert answer.status_code == 401
    assert "generated" not in answer.text


def test_a_wrong_key_opens_nothing(guarded: TestClient) -> None:
    assert guarded.get("/?key=wrong").status_code == 401
    guarded.cookies.set(COOKIE, "wrong")
    assert guarded.get("/").status_code == 401


def test_posting_without_the_key_is_refused(guarded: TestClient) -> None:
    assert guarded.post("/gradio_api/run/predict", json={"data": []}).status_code == 401
    assert guarded.post("/gradio_api/queue/join", json={"data": []}).status_code == 401


def test_the_key_becomes_a_cookie_and_leaves_the_address(guarded: TestClient) -> None:
    answer = guarded.get(f"/?key={KEY}&study=generated", follow_redirects=False)
    assert answer.headers["location"] == "/?study=generated"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert guarded.get(IMAGE).status_code == 200


def test_readers_need_no_key(guarded: TestClient) -> None:
    assert guarded.get("/read/").status_code == 200
    assert guarded.get("/polypstudio/page.js").status_code == 200


def test_a_broken_result_is_one_clear_line(root: Path, open_to_all: TestClient) -> None:
    file = root / "generated/results/kid/efficientnet-lite0.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"schema_version": 1}')
    answer = open_to_all.get("/study/generated/iterations?encoder=efficientnet-lite0")
    file.unlink()
    assert answer.status_code == 409
    assert str(file) in answer.json()["error"]


def test_scripts_are_revalidated_not_sent_again(open_to_all: TestClient) -> None:
    first = open_to_all.get("/polypstudio/plotly/plotly.min.js")
    again = open_to_all.get("/polypstudio/plotly/plotly.min.js", headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)


def test_the_clinicians_door_opens_with_and_without_a_slash(open_to_all: TestClient) -> None:
    """Without the slash it once fell to the dashboard, which answered 404."""
    for address in ("/read", "/read/", "/read?reader=nobody"):
        answer = open_to_all.get(address)
        assert answer.status_code == 200, address
        assert "gradio" in answer.text
    assert open_to_all.get("/read?reader=nobody", follow_redirects=False).headers["location"] == "/read/?reader=nobody"

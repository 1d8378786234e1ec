"""Asking before an upload, and getting from the upload what was foretold."""

import hashlib
from typing import Any

from gateway_server import Gateway
from images import dng, jpeg
from uploading import make_project, upload

PHOTO = jpeg(64, 48)
OTHER = jpeg(48, 64)
RAW = dng(64, 48)


async def test_what_is_foretold_happens(gateway: Gateway) -> None:
    trip, other = await make_project(gateway, "Trip"), await make_project(gateway, "Other")
    await upload(gateway, trip, [("A.JPG", PHOTO), ("B.JPG", PHOTO)])
    await upload(gateway, other, [("C.JPG", PHOTO)])
    files = {
        "A.JPG": PHOTO,
        "B.JPG": OTHER,
        "B.dng": RAW,
        "C.JPG": PHOTO,
        "D.JPG": PHOTO,
        "E.txt": b"text",
        "F.JPG": b"",
    }
    asked = [
        {"name": name, "type": "", "size": len(content), "md5": hashlib.md5(content, usedforsecurity=False).hexdigest()}
        for name, content in files.items()
    ]
    answer = await gateway.post(f"/api/projects/{trip}/analyze-files", {"files": asked})

    assert answer.status == 200, answer.body
    foretold = [(file["accepted"], file["clash"], file["completes_pair"]) for file in answer.body["files"]]
    assert foretold == [
        (True, "same_bytes", False),
        (True, "other_bytes", False),
        (True, "none", True),
        (True, "name_in_other_project", False),
        (True, "none", False),
        (False, "none", False),
        (False, "none", False),
    ]
    assert answer.body["files"][3]["project_folder"] == other
    sent = await upload(gateway, trip, list(files.items()))
    assert [result["status"] for result in sent.body["results"]] == [
        "skipped",
        "conflict",
        "paired",
        "conflict",
        "created",
        "refused",
        "refused",
    ]


async def test_what_may_be_asked(gateway: Gateway) -> None:
    trip = await make_project(gateway, "Trip")
    path = f"/api/projects/{trip}/analyze-files"
    file = {"name": "A.JPG", "size": 1}
    too_many = await gateway.post(path, {"files": [file] * 2001})
    assert (too_many.status, too_many.body["errors"][0]["limit"]) == (400, 2000)
    wrong: list[dict[str, Any]] = [{"files": []}, {}, {"files": [{"name": "A.JPG"}]}, {"files": [{**file, "md5": "x"}]}]
    for body in wrong:
        assert (await gateway.post(path, body)).status == 400
    assert (await gateway.post("/api/projects/Nowhere/analyze-files", {"files": [file]})).status == 404
    viewer = await gateway.token("viewer")
    assert (await gateway.post(path, {"files": [file]}, token=viewer)).status == 200

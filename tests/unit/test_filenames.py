"""What a file name stands for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photobus_common.config import Uploader
from photobus_common.photos.filenames import (
    LONGEST_DERIVATIVE_SUFFIX,
    MAX_NAME_BYTES,
    FileKind,
    ParsedName,
    RefusedName,
    parse,
    renamed,
    sidecar_names,
)

UPLOADER = Uploader()


@pytest.mark.parametrize(
    ("name", "basename", "kind"),
    [
        ("DSC01.JPG", "DSC01", "jpg"),
        ("DSC01.jpeg", "DSC01", "jpg"),
        ("DSC01.ARW", "DSC01", "raw"),
        ("DSC01.Cr3", "DSC01", "raw"),
        ("DSC01.heic", "DSC01", "other"),
        ("DSC01.ARW.xmp", "DSC01", "sidecar"),
        ("DSC01.xmp", "DSC01", "sidecar"),
        ("DSC01.v2.xmp", "DSC01.v2", "sidecar"),
        ("a.b.c.png", "a.b.c", "other"),
        ("DSC01 (2).jpg", "DSC01 (2)", "jpg"),
        ("été à la mer.jpg", "été à la mer", "jpg"),
        ("x.jpg.png", "x.jpg", "other"),
    ],
)
def test_basename_and_kind(name: str, basename: str, kind: FileKind) -> None:
    parsed = parse(name, UPLOADER)
    assert isinstance(parsed, ParsedName)
    assert (parsed.name, parsed.basename, parsed.kind) == (name, basename, kind)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "empty"),
        (".jpg", "hidden"),
        (".DSC.jpg", "hidden"),
        ("../DSC.jpg", "hidden"),
        ("a/b.jpg", "separator"),
        ("a\\b.jpg", "separator"),
        ("a\nb.jpg", "control_character"),
        ("a\x00b.jpg", "control_character"),
        ("a\u0085b.jpg", "control_character"),
        ("a\udc80.jpg", "not_text"),
        ("x" * 252 + ".jpg", "too_long"),
        ("x" * 251 + ".jpg", "too_long"),  # its WebP derivative would be
        ("é" * 126 + ".jpg", "too_long"),
        ("x", "not_accepted"),
        ("x.txt", "not_accepted"),
        ("xmp", "not_accepted"),
    ],
)
def test_refused_names(name: str, code: str) -> None:
    parsed = parse(name, UPLOADER)
    assert isinstance(parsed, RefusedName)
    assert parsed.code == code
    assert parsed.reason.endswith(".")


@given(st.text(max_size=300), st.sampled_from(["jpg", "ARW", "xmp", "NEF.xmp", "txt", ""]))
def test_an_accepted_name_fits_a_folder_and_so_do_its_derivatives(stem: str, extension: str) -> None:
    parsed = parse(f"{stem}.{extension}", UPLOADER)
    if isinstance(parsed, ParsedName):
        assert len(parsed.name.encode()) <= MAX_NAME_BYTES
        assert len((parsed.basename + LONGEST_DERIVATIVE_SUFFIX).encode()) <= MAX_NAME_BYTES
        assert "/" not in parsed.name
        assert parsed.name.startswith(parsed.basename)
        assert parsed.basename


@pytest.mark.parametrize(
    ("name", "after"), [("A.JPG", "B (2).JPG"), ("A.arw.XMP", "B (2).arw.XMP"), ("A.xmp", "B (2).xmp")]
)
def test_a_renamed_file_keeps_what_stands_behind_its_basename(name: str, after: str) -> None:
    parsed = parse(name, UPLOADER)
    assert isinstance(parsed, ParsedName)
    assert renamed(parsed, "B (2)") == after


def test_the_names_that_sidecars_of_a_file_may_have() -> None:
    parsed = parse("A.NEF", UPLOADER)
    assert isinstance(parsed, ParsedName)
    assert sidecar_names(parsed, UPLOADER) == ("A.NEF.xmp", "A.NEF.XMP", "A.xmp", "A.XMP")


def test_a_long_name_has_only_the_sidecars_that_a_folder_can_hold() -> None:
    parsed = parse("x" * 247 + ".NEF", UPLOADER)
    assert isinstance(parsed, ParsedName)
    assert sidecar_names(parsed, UPLOADER) == ("x" * 247 + ".NEF.xmp", "x" * 247 + ".NEF.XMP", *sidecars("x" * 247))
    longer = parse("x" * 248 + ".NEF", UPLOADER)
    assert isinstance(longer, ParsedName)
    assert sidecar_names(longer, UPLOADER) == sidecars("x" * 248)


def sidecars(stem: str) -> tuple[str, ...]:
    return (f"{stem}.xmp", f"{stem}.XMP")

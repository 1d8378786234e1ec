"""Multipart bodies: however they are cut on the way, the parts are the same, and names are what was sent."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photobus_common.errors import InvalidInputError
from photobus_gateway.uploads.form_data import MAX_HEADERS, FormDataReader, disposition_of

BOUNDARY = "--xX"
CONTENT_TYPE = f'multipart/form-data; boundary="{BOUNDARY}"'
TRICKY = st.lists(
    st.sampled_from([b"\r", b"\n", b"-", b"\r\n--", b"--xX", b"\r\n----x", b"\r\n----xx", b"photo", b"\0", b""]),
    max_size=12,
).map(b"".join)
"""Content that comes close to the delimiter."""


def body_of(contents: list[bytes], preamble: bytes = b"") -> bytes:
    head = b'\r\nContent-Disposition: form-data; name="f"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    parts = [b"--" + BOUNDARY.encode() + head + content + b"\r\n" for content in contents]
    return preamble + b"".join([*parts, b"--", BOUNDARY.encode(), b"--\r\nepilogue"])


def reader_of(body: bytes, cuts: Iterator[int]) -> FormDataReader:
    rest = body

    async def read() -> bytes:
        nonlocal rest
        chunk, rest = rest[: (size := next(cuts))], rest[size:]
        return chunk

    return FormDataReader(CONTENT_TYPE, read)


def sizes(pattern: list[int]) -> Iterator[int]:
    while True:
        yield from pattern


async def contents_of(reader: FormDataReader) -> list[bytes]:
    return [b"".join([chunk async for chunk in part.chunks()]) async for part in reader.parts()]


@given(
    st.lists(TRICKY.filter(lambda content: b"\r\n----xX" not in content), max_size=4),
    st.lists(st.integers(1, 40), min_size=1),
)
async def test_parts_are_the_same_however_the_body_is_cut(contents: list[bytes], pattern: list[int]) -> None:
    body = body_of(contents, b"ignored\r\n")
    assert await contents_of(reader_of(body, sizes(pattern))) == contents


@given(st.lists(TRICKY, min_size=1, max_size=3), st.lists(st.integers(1, 40), min_size=1), st.integers(0, 400))
async def test_a_body_that_breaks_off_is_never_taken_for_a_whole_one(
    contents: list[bytes], pattern: list[int], kept: int
) -> None:
    whole = body_of(contents)
    end = whole.index(b"--epilogue"[:0] + b"--" + BOUNDARY.encode() + b"--")
    with pytest.raises(InvalidInputError):
        await contents_of(reader_of(whole[: min(kept, end)], sizes(pattern)))


async def test_a_chunk_without_a_doubtful_end_is_passed_on_uncopied() -> None:
    chunks = iter(
        [body_of([])[:0] + b"--" + BOUNDARY.encode() + b'\r\nContent-Disposition: form-data; name="f"\r\n\r\n']
    )
    big = bytes(100_000)
    later = iter([big, body_of([])])

    async def read() -> bytes:
        return next(chunks, None) or next(later)

    part = await anext(FormDataReader(CONTENT_TYPE, read).parts())
    assert await anext(part.chunks()) is big


async def test_what_is_left_of_a_part_is_passed_over() -> None:
    reader = reader_of(body_of([b"first" * 50, b"second"]), sizes([7]))
    parts = reader.parts()
    await anext((await anext(parts)).chunks())
    second = await anext(parts)
    assert b"".join([chunk async for chunk in second.chunks()]) == b"second"


@pytest.mark.parametrize(
    ("parameters", "filename"),
    [
        ('; name="f"; filename="A.JPG"', "A.JPG"),
        ("; name=f; filename=A.JPG", "A.JPG"),
        ('; name="f"; filename="a;b; c=d.jpg"', "a;b; c=d.jpg"),
        ('; name="f"; filename="\u00e4\U0001f4f7.jpg"', "\u00e4\U0001f4f7.jpg"),
        ('; name="f"; filename="/etc/A.JPG"', "/etc/A.JPG"),
        ('; name="f"; filename="a\\b.jpg"', "a\\b.jpg"),
        ('; name="f"; filename="say \\"cheese\\".jpg"', 'say "cheese".jpg'),
        ('; name="f"; filename="say %22cheese%22 100%25.jpg"', 'say "cheese" 100%25.jpg'),
        ('; name="f"; filename="%0D%0A.jpg"', "\r\n.jpg"),
        ('; name="f"; filename="x.jpg"; filename*=UTF-8\'\'%C3%A4.jpg', "\u00e4.jpg"),
        ("; name=\"f\"; filename*=utf-8''%FF.jpg", "\udcff.jpg"),
        ('; name="f"', None),
    ],
)
def test_names_are_what_was_sent(parameters: str, filename: str | None) -> None:
    found = disposition_of(["Content-Type: x/y", f"Content-Disposition: form-data{parameters}"])
    assert (found.name, found.filename) == ("f", filename)


def test_a_header_made_to_be_slow_is_read_at_once() -> None:
    found = disposition_of(['content-disposition: form-data; name="' + "\\\\" * (MAX_HEADERS // 2)])
    assert found.filename is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary at all",
        b"----xX\r\n\r\nno headers\r\n----xX--",
        b'----xX junk\r\nContent-Disposition: form-data; name="f"\r\n\r\n\r\n----xX--',
        b"----xX\r\nX: " + b"y" * 2 * MAX_HEADERS + b"\r\n\r\n\r\n----xX--",
    ],
)
async def test_a_malformed_body_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInputError):
        await contents_of(reader_of(body, sizes([100])))


@pytest.mark.parametrize("content_type", ["multipart/form-data", f"multipart/form-data; boundary={'x' * 71}"])
def test_a_body_needs_a_boundary(content_type: str) -> None:
    async def read() -> bytes:
        return b""

    with pytest.raises(InvalidInputError):
        FormDataReader(content_type, read)

"""What a manifest may hold, whoever wrote it: read as it is meant, or refused at once, whatever YAML might do."""

import tracemalloc
from datetime import UTC, datetime
from typing import Final

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from photobus_common.storage.errors import ManifestBrokenError
from photobus_common.storage.manifest import MAX_MANIFEST_BYTES, Manifest, decode

AT: Final = datetime(2026, 5, 1, 12, tzinfo=UTC)
GOOD: Final = b"id: 7\nname: Trip\ncreated_at: 2026-05-01T12:00:00+00:00\n"


def laughs(deep: int = 9, wide: int = 9) -> bytes:
    """Aliases of aliases: a few hundred bytes that stand for billions of words."""
    lines = ["a0: &a0 [lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * wide)}]" for n in range(1, deep)]
    return GOOD + "\n".join(lines).encode()


def filled(part: bytes) -> bytes:
    """As much of ``part`` as a manifest may hold."""
    return part * ((MAX_MANIFEST_BYTES - len(GOOD) - 10) // len(part))


HOSTILE: Final = {
    "billion laughs": laughs(),
    "an alias to itself": GOOD + b"more: &a [*a]\n",
    "an anchor that nobody uses": b"id: &id 7\nname: Trip\ncreated_at: 2026-05-01\n",
    "a merge key with an alias": b"a: &a {id: 7}\n<<: *a\nname: Trip\ncreated_at: 2026-05-01\n",
    "a tag that runs a program": b"id: 7\nname: !!python/object/apply:os.system [touch]\ncreated_at: 2026-05-01\n",
    "a tag that makes an object": b"!!python/object:builtins.dict\nid: 7\nname: Trip\ncreated_at: 2026-05-01\n",
    "a harmless tag": b"id: !!int 7\nname: Trip\ncreated_at: 2026-05-01\n",
    "lists in lists": GOOD + b"more: " + filled(b"["),
    "mappings in mappings": GOOD + b"more: " + filled(b"{a: "),
    "lists in lists by dashes": GOOD + b"more:\n" + filled(b"- "),
    "lists in lists, line by line": GOOD + b"more: " + filled(b"[\n"),
    "keys that are questions": GOOD + filled(b"? "),
    "a key that is a list": GOOD + b"[a, b]: c\n",
    "a number without end": b"id: " + filled(b"9") + b"\nname: Trip\ncreated_at: 2026-05-01\n",
    "a number in base 60 without end": b"id: 7\nname: Trip\ncreated_at: 1" + filled(b":1") + b".5\n",
    "a time far away": b"id: 7\nname: Trip\ncreated_at: 9e99\n",
    "a version without end": GOOD + b"version: " + filled(b"9"),
    "an id of nothing": b"id:\nname: Trip\ncreated_at: 2026-05-01\n",
    "an id below the first": b"id: -1\nname: Trip\ncreated_at: 2026-05-01\n",
    "an id beyond the last": b"id: 9223372036854775808\nname: Trip\ncreated_at: 2026-05-01\n",
    "an id that is a list": b"id: [7]\nname: Trip\ncreated_at: 2026-05-01\n",
    "a name that is a mapping": b"id: 7\nname: {a: b}\ncreated_at: 2026-05-01\n",
    "a name with a NUL": b'id: 7\nname: "a\\0b"\ncreated_at: 2026-05-01\n',
    "a name with half a letter": b'id: 7\nname: "a\\uD800"\ncreated_at: 2026-05-01\n',
    "bytes that are no text": GOOD + b"more: \xff\xfe\xfd\n",
    "NULs": filled(b"\0"),
    "a letter that there is not": b'id: 7\nname: "\\UFFFFFFFF"\ncreated_at: 2026-05-01\n',
    "two ids": GOOD + b"id: 8\n",
    "two documents": GOOD + b"---\n" + GOOD,
    "a list": b"- id: 7\n- name: Trip\n",
    "a word": b"manifest",
    "nothing": b"",
    "a comment": b"# nothing\n",
    "half a manifest": GOOD[:20],
    "an open quote": b'id: 7\nname: "Trip\n',
}


@pytest.mark.timeout(30)  # the worst of these kept YAML's own loader busy for hours, or took all memory
@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in HOSTILE.items()])
def test_what_is_hostile_is_refused_at_once(content: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ManifestBrokenError):
            decode(content)
        assert tracemalloc.get_traced_memory()[1] < 64 * 1024**2
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (GOOD, Manifest(id=7, name="Trip", created_at=AT)),
        (
            b'{"id": 7, "name": "Trip", "created_at": "2026-05-01T12:00:00Z"}',
            Manifest(id=7, name="Trip", created_at=AT),
        ),
        (b"---\n" + GOOD + b"...\n", Manifest(id=7, name="Trip", created_at=AT)),
        (b"\xef\xbb\xbf" + GOOD, Manifest(id=7, name="Trip", created_at=AT)),
        (
            GOOD + b"version: 2\nalbums: [a, {b: [c, d]}]\nowner: {name: x}\n",
            Manifest(id=7, name="Trip", created_at=AT, version=2),
        ),
        (GOOD.replace(b"Trip", b"2024"), Manifest(id=7, name="2024", created_at=AT)),
        (GOOD.replace(b"Trip", b"yes"), Manifest(id=7, name="yes", created_at=AT)),
        (
            GOOD.replace(b"Trip", b"'!!python/name:os.system'"),
            Manifest(id=7, name="!!python/name:os.system", created_at=AT),
        ),
    ],
)
def test_what_a_person_or_a_later_version_wrote_is_read(content: bytes, found: Manifest) -> None:
    assert decode(content) == found


@given(
    st.integers(1, 2**63 - 1), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
)
@example(7, "2024")
@example(7, "null")
@example(7, "&a *a !!b: [c]")
@example(7, "line\nline\r\n\x85\u2028 ")
@example(7, "a\x85b")
@example(7, " \u2028 ")
@example(7, "\u2029" + "long and in many words " * 20)
def test_it_is_read_as_it_was_written(project_id: int, name: str) -> None:
    manifest = Manifest(id=project_id, name=name, created_at=AT)
    assert decode(manifest.encode()) == manifest


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode(errors="surrogatepass")))
def test_anything_is_a_manifest_or_none(content: bytes) -> None:
    try:
        found = decode(content)
    except ManifestBrokenError:
        return
    assert found.id >= 1


@given(
    st.lists(
        st.sampled_from([*"&*![]{}?:-,\n \"'%|>#", "id", "name", "created_at", "7", "Trip", "<<", "!!"]), max_size=60
    )
)
def test_so_is_whatever_looks_like_yaml(parts: list[str]) -> None:
    content = "".join(parts).encode()
    try:
        decode(content)
    except ManifestBrokenError:
        return
    assert isinstance(yaml.safe_load(content), dict)

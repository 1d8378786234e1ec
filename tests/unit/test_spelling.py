"""Which of the names that are lost were found under another spelling, where that is certain."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photobus_maintenance.spelling import respelt, spelt_alike

NFC = "caf\N{LATIN SMALL LETTER E WITH ACUTE}.jpg"
NFD = "cafe\N{COMBINING ACUTE ACCENT}.jpg"


@pytest.mark.parametrize(
    ("lost", "found", "known"),
    [
        (["A.jpg"], ["a.JPG"], {"A.jpg": "a.JPG"}),
        ([NFC], [NFD], {NFC: NFD}),
        ([NFC.upper()], [NFD], {NFC.upper(): NFD}),
        (["stra\N{LATIN SMALL LETTER SHARP S}e"], ["STRASSE"], {"stra\N{LATIN SMALL LETTER SHARP S}e": "STRASSE"}),
        (["A.jpg"], ["a.jpg", "A.JPG"], {}),
        (["A.jpg", "a.jpg"], ["A.JPG"], {}),
        (["A.jpg"], ["B.jpg"], {}),
        (["A.jpg"], [], {}),
    ],
)
def test_a_name_is_known_where_each_is_the_only_one_that_the_other_can_be(
    lost: list[str], found: list[str], known: dict[str, str]
) -> None:
    assert respelt(lost, found) == known


@given(st.text(max_size=20))
def test_all_spellings_of_a_name_are_alike(name: str) -> None:
    for form in ("NFC", "NFD"):
        assert spelt_alike(unicodedata.normalize(form, name)) == spelt_alike(name)

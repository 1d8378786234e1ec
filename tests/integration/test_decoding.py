"""Every format comes out of the decoders upright and in sRGB, however its camera put it there."""

from collections.abc import AsyncIterator, Callable

import images
import numpy as np
import pytest
from decoding import Picture, corners, decode, decoders, distance
from images import Shot
from PIL import Image

from photobus_common.derivation import SourceKind
from photobus_derivatives.protocol import Made
from photobus_derivatives.sandbox import DecoderPool


@pytest.fixture(scope="module")
async def pool() -> AsyncIterator[DecoderPool]:
    """Two decoders."""
    async with decoders() as running:
        yield running


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_every_orientation_comes_out_upright(pool: DecoderPool, orientation: int) -> None:
    reply, (preview, thumbnail) = await decode(pool, images.jpeg(1200, 800, shot=Shot(orientation=orientation)))

    assert reply == Made(1200, 800)
    assert (preview.size, thumbnail.size) == ((1200, 800), (400, 267))
    assert distance(corners(preview)) < 12
    assert distance(corners(thumbnail)) < 12


FORMATS: dict[str, tuple[SourceKind, Picture]] = {
    "png": ("other", images.png),
    "png of 16 bits": ("other", images.png_16_bit),
    "png with alpha": ("other", lambda: images.png(images.quarters().convert("RGBA"))),
    "tiff": ("other", images.tiff),
    "webp": ("other", images.webp),
    "heic": ("other", images.heic),
    "heic turned": ("other", lambda: images.heic(orientation=6)),
    "avif": ("other", images.avif),
    "raw with a preview": ("raw", lambda: images.dng(preview=images.jpeg(1200, 800))),
    "progressive": ("jpg", lambda: images.jpeg(progressive=True)),
}


@pytest.mark.parametrize("name", FORMATS)
async def test_every_format_is_read(pool: DecoderPool, name: str) -> None:
    kind, original = FORMATS[name]

    reply, pictures = await decode(pool, original(), kind)

    assert isinstance(reply, Made)
    assert all(distance(corners(picture)) < 12 for picture in pictures)
    assert all(picture.mode == "RGB" for picture in pictures)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
async def test_raw_without_a_preview_is_developed(pool: DecoderPool, orientation: int) -> None:
    reply, (preview, _) = await decode(pool, images.dng(orientation=orientation), "raw")

    assert reply == Made(640, 480)
    assert preview.size == (640, 480)
    assert distance(corners(preview)) < 60  # a synthetic sensor has no true colours, but red is still red


PREVIEWS_IN_RAW: dict[str, Callable[[int], bytes]] = {
    "lies as the sensor, untagged": lambda turn: images.jpeg(picture=images.as_stored(images.quarters(600, 400), turn)),
    "lies as the sensor, tagged": lambda turn: images.jpeg(600, 400, shot=Shot(orientation=turn)),
    "turned by the camera, untagged": lambda _turn: images.jpeg(600, 400),
}


@pytest.mark.parametrize("orientation", [6, 8])
@pytest.mark.parametrize("how", PREVIEWS_IN_RAW)
async def test_previews_in_raw_files_stand_upright_however_the_camera_put_them_there(
    pool: DecoderPool, how: str, orientation: int
) -> None:
    original = images.dng(orientation=orientation, preview=PREVIEWS_IN_RAW[how](orientation))

    reply, (preview, _) = await decode(pool, original, "raw")

    assert reply == Made(640, 480)
    assert preview.size == (600, 400)
    assert distance(corners(preview)) < 12


async def test_a_preview_in_a_raw_file_that_shows_too_little_is_passed_over(pool: DecoderPool) -> None:
    grey = images.jpeg(picture=Image.new("RGB", (160, 120), (128, 128, 128)))

    _, (preview, _) = await decode(pool, images.dng(preview=grey), "raw")
    _, (cut_off, _) = await decode(pool, images.truncated(images.dng(preview=grey)), "raw")

    assert preview.size == (640, 480)
    assert cut_off.size == (160, 120)  # better than none


@pytest.mark.parametrize("size", [(20_000, 2), (3, 20_000)])
async def test_a_strip_keeps_a_pixel_of_its_short_side(pool: DecoderPool, size: tuple[int, int]) -> None:
    reply, (preview, thumbnail) = await decode(pool, images.jpeg(*size))

    assert reply == Made(*size)
    assert [(max(one.size), min(one.size)) for one in (preview, thumbnail)] == [(2048, 1), (400, 1)]


async def test_colours_of_a_wide_gamut_become_srgb(pool: DecoderPool) -> None:
    original = images.jpeg(icc=images.wide_gamut_profile())

    _, pictures = await decode(pool, original)

    wanted = tuple(adobe_to_srgb(colour) for colour in images.QUARTERS)
    for picture in pictures:
        assert distance(corners(picture), wanted) < 6
        assert "icc_profile" not in picture.info


def adobe_to_srgb(colour: images.Colour) -> images.Colour:
    """Convert by the definitions of both spaces; what sRGB cannot hold is cut off."""
    linear = np.power(np.array(colour) / 255, 563 / 256)
    xyz = np.array([[0.57667, 0.18556, 0.18823], [0.29734, 0.62736, 0.07529], [0.02703, 0.07069, 0.99134]]) @ linear
    rgb = np.array([[3.24045, -1.53714, -0.49853], [-0.96927, 1.87601, 0.04156], [0.05564, -0.20403, 1.05723]]) @ xyz
    rgb = np.clip(rgb, 0, 1)
    encoded = np.where(rgb <= 0.0031308, rgb * 12.92, 1.055 * np.power(rgb, 1 / 2.4) - 0.055)
    red, green, blue = (round(float(part) * 255) for part in encoded)
    return red, green, blue


async def test_a_broken_profile_costs_the_colours_and_not_the_photo(pool: DecoderPool) -> None:
    reply, (preview, _) = await decode(pool, images.jpeg(icc=b"no profile" * 40))

    assert isinstance(reply, Made)
    assert distance(corners(preview)) < 12


async def test_printers_colours_and_grey_become_srgb(pool: DecoderPool) -> None:
    _, (printed, _) = await decode(pool, images.tiff(images.quarters().convert("CMYK")), "other")
    _, (grey, _) = await decode(pool, images.png(images.quarters().convert("L")), "other")

    assert printed.mode == grey.mode == "RGB"
    assert max(corners(printed)[0]) == corners(printed)[0][0]  # the red quarter is red
    assert all(len(set(colour)) == 1 for colour in corners(grey))


async def test_what_shows_through_becomes_white(pool: DecoderPool) -> None:
    _, (preview, _) = await decode(pool, images.png(Image.new("RGBA", (64, 64), (255, 0, 0, 0))), "other")

    assert preview.getpixel((32, 32)) == (255, 255, 255)


async def test_the_first_picture_of_an_animation_stands_for_it(pool: DecoderPool) -> None:
    for file_format in ("GIF", "WEBP"):
        _, (preview, _) = await decode(pool, images.animated(file_format), "other")
        assert distance(corners(preview), (images.TOP_LEFT,) * 4) < 12


async def test_small_pictures_are_not_enlarged_and_large_ones_fit(pool: DecoderPool) -> None:
    _, small = await decode(pool, images.jpeg(120, 80))
    _, large = await decode(pool, images.noise_jpeg(3000, 4500))

    assert [picture.size for picture in small] == [(120, 80), (120, 80)]
    assert [picture.size for picture in large] == [(1365, 2048), (267, 400)]


async def test_derivatives_carry_nothing_of_the_owner(pool: DecoderPool) -> None:
    shot = Shot(make="Maker", gps=(47.0, 8.0, 400.0))

    _, pictures = await decode(pool, images.jpeg(shot=shot))

    assert all(not picture.getexif() for picture in pictures)
    assert all(picture.info.get("progressive") for picture in pictures)


async def test_webp_by_request(pool: DecoderPool) -> None:
    _, pictures = await decode(pool, images.jpeg(), format="webp")

    assert {picture.format for picture in pictures} == {"WEBP"}

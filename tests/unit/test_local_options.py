"""What the local stack is asked for, and what it hands to its services."""

from pathlib import Path

import pytest

from photobus_common.errors import ConfigurationError
from photobus_local.options import Options
from photobus_local.stack import service_environment


def test_defaults() -> None:
    options = Options.from_environment({})
    assert options == Options(
        Path("data"), 8080, {"orchestrator": 1, "derivatives": 1, "maintenance": 1, "filemover": 1, "gateway": 1}
    )


def test_empty_variables_are_as_good_as_none() -> None:
    empty = {"PHOTOBUS_DATA": "", "PHOTOBUS_LIBRARY": "", "PHOTOBUS_PORT": "", "PHOTOBUS_SCALE": ""}
    assert Options.from_environment(empty) == Options.from_environment({})


def test_services_are_scaled_by_name() -> None:
    options = Options.from_environment({"PHOTOBUS_SCALE": "gateway=2, derivatives=3"})
    assert options.scale == {"orchestrator": 1, "derivatives": 3, "maintenance": 1, "filemover": 1, "gateway": 2}


@pytest.mark.parametrize("scale", ["gateway", "gateway=0", "gateway=-1", "gateway=33", "web=2", "gateway=two"])
def test_a_wrong_scale_is_quoted_with_what_is_possible(scale: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"{scale}.*counts of 1 to 32.*maintenance"):
        Options.from_environment({"PHOTOBUS_SCALE": scale})


@pytest.mark.parametrize("port", ["0", "65536", "http", "80 80"])
def test_a_wrong_port_is_quoted(port: str) -> None:
    with pytest.raises(ConfigurationError, match=port):
        Options.from_environment({"PHOTOBUS_PORT": port})


def test_a_library_elsewhere_is_named_by_its_folder() -> None:
    assert Options.from_environment({}).library is None
    assert Options.from_environment({"PHOTOBUS_LIBRARY": "/photos"}).library == Path("/photos")


def test_a_home_that_nobody_has_is_quoted() -> None:
    with pytest.raises(ConfigurationError, match="~nobody-of-that-name/data"):
        Options.from_environment({"PHOTOBUS_DATA": "~nobody-of-that-name/data"})


def test_a_service_sees_the_owners_settings_and_what_the_stack_decided() -> None:
    own = {"PHOTOBUS_SCALE": "gateway=2", "PHOTOBUS_LIBRARY": "/photos"}
    base = {"PATH": "/bin", "PHOTOBUS_PIPELINE__MAX_PARALLEL_JOBS": "4", **own}
    environment = service_environment({"gateway": {"port": 8080, "reuse_port": True}}, base)
    assert environment == {
        "PATH": "/bin",
        "PYTHONUNBUFFERED": "1",
        "PHOTOBUS_PIPELINE__MAX_PARALLEL_JOBS": "4",
        "PHOTOBUS_GATEWAY__PORT": "8080",
        "PHOTOBUS_GATEWAY__REUSE_PORT": "True",
    }

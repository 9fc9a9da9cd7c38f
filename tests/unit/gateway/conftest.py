"""The library of the filter, compiled once."""

import ctypes
import os

import pytest

from headgate.gateway.filter.build import build


@pytest.fixture(scope="session")
def library() -> ctypes.CDLL:
    """The filter as Python can load it: Envoy's functions are looked up only when called."""
    return ctypes.CDLL(str(build()), mode=os.RTLD_LAZY)

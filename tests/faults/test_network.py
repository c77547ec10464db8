"""Tests use this machine only."""

from __future__ import annotations

import socket

import pytest


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")])
def test_another_machine_is_refused(family: socket.AddressFamily, host: str) -> None:
    with socket.socket(family) as other, pytest.raises(AssertionError, match=f"a test connects to {host}"):
        other.connect((host, 80))


def test_this_machine_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()

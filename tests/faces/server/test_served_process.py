"""The server as a process: quick to start, kind when told to stop, and nothing acknowledged is lost when it is killed."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from serving_cases import model_folder, rows

from conftest import Command
from fieldguide.core.online.log import predictions
from fieldguide.parts.stores import open_log

PROGRAM = Path(sys.executable).parent / "fieldguide"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_folder(tmp_path_factory.getbasetemp())


@contextmanager
def process(folder: Path, log: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start the server on a free port; yield it and its address."""
    command = [PROGRAM, "serve", str(folder), "--port", "0", "--log", str(log), "--json", *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None and server.stderr is not None
        try:
            line = server.stdout.readline()
            assert line, server.stderr.read()
            yield server, json.loads(line)["address"]
        finally:
            if server.poll() is None:
                server.kill()


def ask(address: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{address}/predict", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        found: dict[str, Any] = json.loads(response.read())
    return found


def hammer(address: str, acknowledged: list[tuple[str, float]], stop: threading.Event, n: int) -> None:
    """Ask until the server is gone; keep what was acknowledged."""
    body = {"rows": rows(n), "unit": "u"}
    while not stop.is_set():
        try:
            answer = ask(address, body)
        except (OSError, ValueError, urllib.error.URLError):
            return
        acknowledged += [(row["id"], row["probabilities"]["yes"]) for row in answer["predictions"]]


def under_load(address: str, seconds: float, least: int, end: Any) -> list[tuple[str, float]]:
    """Ask from three threads, single rows and a batch; call `end` in the midst of it; return what was acknowledged.

    Args:
        seconds: how long to ask before the end.
        least: rows that are acknowledged before the end, however long they take.
    """
    acknowledged: list[tuple[str, float]] = []
    stop = threading.Event()
    threads = [threading.Thread(target=hammer, args=(address, acknowledged, stop, n)) for n in (1, 3, 80)]
    for thread in threads:
        thread.start()
    begun = time.monotonic()
    while any(thread.is_alive() for thread in threads) and (
        time.monotonic() < begun + seconds or len(acknowledged) < least
    ):
        time.sleep(0.01)
    end()
    for thread in threads:
        thread.join(timeout=60)
    stop.set()
    return acknowledged


def kept(log: Path) -> dict[str, float]:
    found = predictions(open_log(str(log), create=False))
    return dict(zip(found["id"], found["score"]))


def test_a_kill_under_load_loses_no_acknowledged_prediction(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.db"
    with process(folder, log) as (server, address):
        acknowledged = under_load(address, 1.0, 101, lambda: server.send_signal(signal.SIGKILL))
        server.wait(60)
    assert len(acknowledged) > 100
    found = kept(log)
    lost = [name for name, score in acknowledged if found.get(name) != score]
    assert not lost, f"{len(lost)} of {len(acknowledged)} acknowledged predictions are not in the log"


def test_a_server_that_is_told_to_stop_answers_what_it_took(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.db"
    with process(folder, log) as (server, address):
        slow = socket.create_connection((address.rpartition("/")[2].split(":")[0], int(address.rpartition(":")[2])))
        body = json.dumps({"rows": rows(1)}).encode()
        slow.sendall(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            % len(body)
        )
        slow.sendall(body[:10])
        ask(address, {"rows": rows(1)})  # answered in their turn: when this is, the slow one's beginning was read
        acknowledged = under_load(address, 0.3, 1, lambda: server.send_signal(signal.SIGTERM))
        slow.sendall(body[10:])  # asked before the signal, so answered after it
        assert slow.recv(100).startswith(b"HTTP/1.1 200")
        slow.close()
        assert server.wait(60) in (0, -signal.SIGTERM)
        assert server.stderr is not None and server.stderr.read() == ""
    found = kept(log)
    assert acknowledged and all(found[name] == score for name, score in acknowledged)


def test_serving_loads_no_torch(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from fieldguide.parts import find; from fieldguide.core.model import Model\n"
        "import fieldguide.faces.server.run, fieldguide.faces.cli.serving; from fieldguide.faces.server.arms import opened\n"
        "opened([sys.argv[1]], lambda path: Model.load(Path(path), find))\n"
        "print([name for name in ('torch', 'pandas', 'sklearn', 'optuna', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "is not a model folder"),
        (["{folder}", "--api-key-env", "FIELDGUIDE_NO_SUCH_KEY"], "holds no key"),
        (["{folder}", "--log", "mysql://x/y"], "no store opens"),
        (["{folder}", "--host", "256.0.0.1"], "could not listen"),
    ],
)
def test_what_cannot_be_served_is_said(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = command("serve", *(a.format(folder=folder) for a in arguments), "--port", "0")
    assert done.status == 2 and message in " ".join(done.err.split())

"""Servers as processes of their own, which can be killed and starved."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.server.running import free_port, wait_until_live

SERVE = """
import os, sys
import uvicorn
from huaxiang.config import load_settings
from huaxiang.server.app import create_app

def serve(folder, port, *overrides):
    settings = load_settings(None, overrides, data_dir=folder)
    uvicorn.run(create_app(settings), port=int(port), log_level="critical", access_log=False, ws="none")
"""

ONE = SERVE + "serve(*sys.argv[1:])"

MANY = (
    SERVE
    + """
# One start of Python for many servers: for every line it forks one, and says when that process died and of what.
for line in sys.stdin:
    child = os.fork()
    if not child:
        os.write(1, f"{os.getpid()}\\n".encode())
        serve(*sys.argv[1:])
    _, status = os.waitpid(child, 0)
    os.write(1, f"died of {os.WTERMSIG(status)}\\n".encode())
"""
)
"""Reads a line for each server to start; it answers with the server's process id and, later, what it died of."""


@contextmanager
def child(folder: Path, *overrides: str) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """A server process over a data directory, and a client of it; terminated when the block ends."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", ONE, str(folder), str(port), *overrides])
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
            wait_until_live(client)
            yield process, client
    finally:
        process.terminate()
        process.wait(timeout=20)

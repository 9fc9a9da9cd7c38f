"""A real nginx as an upstream: files, compression, ranges, uploads, and connections it closes."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headgate.cli.up.answering import accepts, free_port
from tests.support.programs import program
from tests.support.tree import eventually

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  log_format told '$connection $request_method $uri $status $http_expect';
  access_log {folder}/told.log told;
  client_body_temp_path {folder}/bodies;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  types {{ text/plain txt; application/json json; }}
  gzip on;
  gzip_min_length 100;
  gzip_proxied any;
  gzip_types text/plain application/json;
  server {{
    listen 127.0.0.1:{port};
    root {folder}/files;
    location /closing/ {{ alias {folder}/files/; keepalive_timeout 0; }}
    location /uploads/ {{ dav_methods PUT; client_max_body_size 8m; }}
  }}
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running nginx; `folder/files` is what it serves."""

    folder: Path
    port: int

    @property
    def files(self) -> Path:
        return self.folder / "files"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def told(self) -> list[list[str]]:
        """Its log: connection, method, path, status, Expect of each request."""
        return [line.split(" ", 4) for line in (self.folder / "told.log").read_text().splitlines()]


@contextmanager
def nginx(folder: Path) -> Iterator[Nginx]:
    """An nginx on a free loopback port, until the block ends."""
    made = Nginx(folder, free_port("127.0.0.1"))
    (made.files / "uploads").mkdir(parents=True)
    path = folder / "nginx.conf"
    text = CONFIGURATION.format(folder=folder, port=made.port)
    path.write_text("user root;\n" + text if os.getuid() == 0 else text)
    with (folder / "stderr.log").open("wb") as log:
        process = subprocess.Popen(
            [program("nginx"), "-e", str(folder / "error.log"), "-c", str(path)],
            stdout=log,
            stderr=log,
        )
    try:
        eventually(lambda: accepts("127.0.0.1", made.port) or process.poll() is not None, 60)
        assert process.poll() is None, (folder / "error.log").read_text()
        yield made
    finally:
        process.terminate()
        process.wait(20)

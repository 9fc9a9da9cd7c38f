"""How much work does a server do per request? A bounded load by wrk, CPU from /proc."""

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.process import cpu_seconds

_SCRIPT = """
local keys, paths = {}, {}
for line in io.lines("%(keys)s") do keys[#keys + 1] = line end
for line in io.lines("%(paths)s") do paths[#paths + 1] = line end
local file, body = io.open("%(body)s"), nil
if file then body = file:read("*a"); file:close() end
local state = 12345
local function pick(list)
  state = (state * 1103515245 + 12345) %% 2147483648
  return list[(math.floor(state / 65536) %% #list) + 1]
end
local given, method = {}, "GET"
for line in io.lines("%(headers)s") do
  local name, value = line:match("^([^:]*): (.*)$")
  if name == "METHOD" then method = value else given[name] = value end
end
request = function()
  local headers = {}
  for name, value in pairs(given) do headers[name] = value end
  if #keys > 0 then headers["X-API-Key"] = pick(keys) end
  if body then
    headers["Content-Type"] = "application/json"
    return wrk.format("POST", pick(paths), headers, body)
  end
  return wrk.format(method, pick(paths), headers)
end
"""
_PAUSE = "delay = function() return %d end\n"


@dataclass(frozen=True, slots=True)
class Load:
    """What one bounded run saw. `cpu_us`: per request; `errors`: answers that are not 2xx."""

    requests: int
    errors: int
    cpu_us: float
    p99_ms: float


def drive(
    port: int,
    pid: int,
    *,
    paths: Sequence[str],
    keys: Sequence[str],
    seconds: int,
    clients: int = 20,
    pause_ms: int = 0,
    body: bytes = b"",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    beside: Sequence[int] = (),
) -> Load:
    """Send requests to loopback for `seconds`, picking keys and paths at random.

    Each client waits `pause_ms` before each request; 0 takes the server to its limit. With
    a `body` they are POSTs of JSON, otherwise of the `method`; each has the `headers`. The CPU of
    the processes `beside` is added.

    Raises:
        RuntimeError: wrk is missing or told nothing that can be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = {"keys": Path(folder, "keys"), "paths": Path(folder, "paths")}
        files["keys"].write_text("".join(f"{k}\n" for k in keys))
        files["paths"].write_text("".join(f"{p}\n" for p in paths))
        files["headers"] = Path(folder, "headers")
        fields = {"METHOD": method, **(headers or {})}
        files["headers"].write_text("".join(f"{n}: {v}\n" for n, v in fields.items()))
        if body:
            Path(folder, "body").write_bytes(body)
        files["body"] = Path(folder, "body")
        script = Path(folder, "load.lua")
        script.write_text(_SCRIPT % files + (_PAUSE % pause_ms if pause_ms else ""))
        command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--latency", "-s", str(script)]
        before = sum(map(cpu_seconds, (pid, *beside)))
        run = subprocess.run(
            [*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True
        )
        used = sum(map(cpu_seconds, (pid, *beside))) - before
    return _read(run.stdout, used)


def _read(text: str, used: float) -> Load:
    total = re.search(r"(\d+) requests in", text)
    slow = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    if total is None or slow is None:
        raise RuntimeError(f"wrk said: {text}")
    unit = {"us": 0.001, "ms": 1.0, "s": 1000.0}[slow[2]]
    requests = int(total[1])
    errors = int(wrong[1]) if wrong else 0
    return Load(requests, errors, used * 1e6 / max(requests, 1), float(slow[1]) * unit)

"""How is the filter compiled? By the `ziglang` wheel; no compiler on the machine is needed.

Run as `python -m headgate.gateway.filter.build`; the wheel's build hook calls the same `build`.
"""

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
SOURCES = {
    "libheadgate.so": "filter.zig",
    "libheadgate_cache.so": "cache.zig",
    "libheadgate_errors.so": "errors.zig",
    "libheadgate_json.so": "json.zig",
    "libheadgate_trial.so": "trial.zig",
}
# A broken bound ends the process and names the place instead of giving a wrong answer, for less
# than one percent of a request (docs/decisions/0006-what-the-filter-costs.md).
OPTIMIZE = "ReleaseSafe"
# One file is compiled for processors that hash by themselves; it is called only on those.
WITH_SHA = {"x86_64": "x86_64+sha+avx2", "aarch64": "generic+sha2"}


def is_current(folder: Path = FOLDER) -> bool:
    """Whether all libraries are newer than every source of them."""
    libraries = [folder / name for name in SOURCES]
    if not all(library.exists() for library in libraries):
        return False
    built_at = min(library.stat().st_mtime for library in libraries)
    sources = [*folder.glob("*.zig"), folder / "build.py"]
    return all(source.stat().st_mtime <= built_at for source in sources)


def build(folder: Path = FOLDER, *, hash_cpu: str = "") -> list[Path]:
    """Compile the modules into `folder`, unless they are current.

    `hash_cpu`: the processor that the one file is compiled for, where it is not this one's kind.
    They replace the old ones by rename: an Envoy that has those mapped is not disturbed.

    Raises:
        RuntimeError: the compiler is missing or refuses the source; with its words.
    """
    libraries = [folder / name for name in SOURCES]
    if is_current(folder):
        return libraries
    with tempfile.TemporaryDirectory(prefix="headgate-zig-") as cache:
        fast = Path(cache) / "hash_fast.o"
        compile_hash(folder, cache, fast, cpu=hash_cpu)
        for library, source in zip(libraries, SOURCES.values(), strict=True):
            objects = [str(fast)] if source == "filter.zig" else []
            _link(folder, cache, source, *objects, made=library)
    return libraries


def _link(folder: Path, cache: str, source: str, *objects: str, made: Path) -> None:
    fresh = made.with_name(f".{made.name}.{os.getpid()}")
    linked = ("-dynamic", "-lc", "-z", "lazy", "-fallow-shlib-undefined", *objects)
    try:
        _compile(folder, cache, "build-lib", source, *linked, "-mcpu", "baseline", made=fresh)
    except RuntimeError:
        fresh.unlink(missing_ok=True)
        raise
    fresh.replace(made)


def compile_hash(folder: Path, cache: str, made: Path, *, cpu: str = "") -> None:
    """Compile the one file for processors that hash by themselves.

    Raises:
        RuntimeError: the compiler is missing or refuses the source; with its words.
    """
    cpu = cpu or WITH_SHA.get(platform.machine(), "baseline")
    _compile(folder, cache, "build-obj", "hash_fast.zig", "-fPIC", "-mcpu", cpu, made=made)


def _compile(folder: Path, cache: str, *arguments: str, made: Path) -> None:
    command = [sys.executable, "-m", "ziglang", *arguments, "-O", OPTIMIZE, "-fstrip"]
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
    done = subprocess.run(
        [*command, f"-femit-bin={made}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"The filter does not compile:\n{done.stderr.strip()}")


def main() -> int:
    """Build for development."""
    try:
        sys.stdout.writelines(f"{library}\n" for library in build())
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

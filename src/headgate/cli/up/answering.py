"""Does a port answer? Asked without an HTTP library, so that the supervisor stays small."""

import socket

TRY_SECONDS = 1.0


def answers(host: str, port: int, path: str, *, status: str = "") -> bool:
    """Whether an HTTP server answers a GET of `path`, with `status` where one is named."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection((host, port), TRY_SECONDS) as connection:
            connection.sendall(request.encode("ascii"))
            first = connection.recv(64)
    except OSError:
        return False
    return first.startswith(f"HTTP/1.1 {status}".encode("ascii"))


def accepts(host: str, port: int) -> bool:
    """Whether something accepts connections."""
    try:
        socket.create_connection((host, port), TRY_SECONDS).close()
    except OSError:
        return False
    return True


def free_port(host: str) -> int:
    """A port that nothing listens on at this moment."""
    with socket.socket(family_of(host)) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def bind_error(host: str, port: int) -> str | None:
    """Why `port` cannot be listened on, None if it can."""
    try:
        with socket.socket(family_of(host)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except OSError as error:
        return error.strerror or str(error)
    return None


def family_of(host: str) -> socket.AddressFamily:
    """The address family of a numeric address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET

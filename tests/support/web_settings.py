"""Django's settings of a web process under test: it resolves loopback addresses and no other.

Generated input holds addresses of all kinds. With this, neither an import nor an upstream makes
the test ask a name server or reach another machine.
"""

import ipaddress

from headgate.store.settings import *  # noqa: F403  # all of them, and one more


def NAME_RESOLVER(host: str, port: int) -> list[str]:  # noqa: N802  # a setting's name
    """The address of `localhost` and of literal loopback addresses."""
    name = host.strip("[]")
    if name == "localhost":
        return ["127.0.0.1"]
    try:
        address = ipaddress.ip_address(name)
    except ValueError as error:
        raise OSError(f"{name} is not known here") from error
    if not address.is_loopback:
        raise OSError(f"{name} is not reached from tests")
    return [str(address)]

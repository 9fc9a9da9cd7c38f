"""May the control plane fetch from this address? What only its own network can see is refused.

Fails closed: what is not known to be public is refused.

Source: RFC 6890 (special-purpose addresses); RFC 4291 §2.5.5.2, RFC 3056 and RFC 6052
for IPv4 addresses inside IPv6 ones; OWASP API7:2023 "Server Side Request Forgery".
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from headgate.core.phrases import phrase

_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = IPv6Network("::/96")
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_SPECIAL = (  # that `is_global` of some Python versions lets through
    IPv4Network("192.0.0.0/24"),
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),
)


def refusal(text: str) -> str | None:
    """Why nothing is fetched from an IP address; None if it is public.

    Raises:
        ValueError: not an IP address.
    """
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if "%" in text or address.is_site_local or address in _NAT64_LOCAL:
            return phrase("a link-local or private address")
        inner = _embedded(address)
        if inner is not None:
            return _refusal(inner)
    return _refusal(address)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that packets to an IPv6 address may reach."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    is_compatible = address in _COMPATIBLE and int(address) > 1
    if address in _NAT64 or is_compatible:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _refusal(address: IPv4Address | IPv6Address) -> str | None:
    if address.is_loopback:
        return phrase("a loopback address")
    if address.is_link_local:
        return phrase("a link-local address")
    if address.is_multicast:
        return phrase("a multicast address")
    if address.is_unspecified or address.is_reserved:
        return phrase("a reserved address")
    if any(address in network for network in _SPECIAL if network.version == address.version):
        return phrase("a special-purpose address")
    if not address.is_global or (address.version == 6 and address not in _GLOBAL_UNICAST):
        return phrase("a private address")
    return None

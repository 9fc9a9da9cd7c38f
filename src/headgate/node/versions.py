"""Which version does a resource file carry, and what is in it besides? For both of Envoy's forms.

The version is the first field of a `DiscoveryResponse`, in JSON and as protobuf, so a file gets
another version without being read as a whole.

Source: Protocol Buffers, "Encoding" (field 1, length-delimited, is 0x0A).
"""

import hashlib

from headgate.core.problems import Bug

_JSON_START, _JSON_END = b'{"version_info":"', b'"'
_PROTOBUF_START = 0x0A
DIGEST_BYTES = 16


def split(data: bytes) -> tuple[str, bytes]:
    """The version, and everything behind it.

    Raises:
        Bug: the version does not stand first.
    """
    if data.startswith(_JSON_START):
        end = data.index(_JSON_END, len(_JSON_START))
        return data[len(_JSON_START) : end].decode(), data[end + len(_JSON_END) :]
    if data[:1] == bytes([_PROTOBUF_START]) and len(data) > 1 and data[1] < 0x80:
        end = 2 + data[1]
        return data[2:end].decode(), data[end:]
    raise Bug("a resource file does not begin with its version")


def with_version(data: bytes, version: str) -> bytes:
    """The same resources under another version, at most 127 characters long."""
    _, rest = split(data)
    text = version.encode()
    if data.startswith(_JSON_START):
        return _JSON_START + text + _JSON_END + rest
    return bytes([_PROTOBUF_START, len(text)]) + text + rest


def digest(data: bytes) -> bytes:
    """A fingerprint of the resources, whatever their version."""
    return hashlib.blake2b(split(data)[1], digest_size=DIGEST_BYTES).digest()

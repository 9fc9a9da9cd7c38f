"""How many validators has a node, and where do they listen? Known to all sides."""

from headgate.model.validation import VALIDATORS_MAX

ENVOY_WORKERS_EACH = 4  # that one validator keeps up with: it costs a third of what Envoy does


def validators_count(envoy_workers: int) -> int:
    """How many validators stand beside so many of Envoy's workers."""
    return min(VALIDATORS_MAX, -(-envoy_workers // ENVOY_WORKERS_EACH))


def socket_name(index: int) -> str:
    """The socket of one validator, in the node's folder."""
    return f"validator-{index}.sock"

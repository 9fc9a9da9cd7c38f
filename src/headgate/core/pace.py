"""When may the next try be made, of so many a minute? All at once at first, then one after another.

GCRA: a subject's whole state is the instant up to which its tries are spent, in seconds of one
clock; 0 where it has none.
"""

MINUTE_SECONDS = 60.0


def wait_seconds(spent_until: float, now: float, per_minute: int) -> float:
    """How long until a try is left; 0: now."""
    return max(0.0, spent_until - now + MINUTE_SECONDS / per_minute - MINUTE_SECONDS)


def after_try(spent_until: float, now: float, per_minute: int) -> float:
    """Up to when tries are spent once one more is made, which must be left."""
    return max(spent_until, now) + MINUTE_SECONDS / per_minute

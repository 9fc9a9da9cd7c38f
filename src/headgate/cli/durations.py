"""How do people write how long something lasts? As `90d`, `1h`, `30s`; read for a request here."""

import typer

from headgate.core.units import parse_duration


def seconds_in(duration: str) -> int:
    """Whole seconds.

    Raises:
        typer.BadParameter: it is no duration.
    """
    try:
        return int(parse_duration(duration).total_seconds())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def instant_in(duration: str) -> str:
    """The instant that lies `duration` ahead, as RFC 3339 text.

    Raises:
        typer.BadParameter: it is no duration, or there is no such instant.
    """
    from headgate.core.clock import SystemClock

    try:
        return (SystemClock().now() + parse_duration(duration)).isoformat()
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error)) from error

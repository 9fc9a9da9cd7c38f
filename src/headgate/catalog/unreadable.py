"""Why can a text not be read?"""


class Unreadable(Exception):  # noqa: N818  # it names the text's state
    """Not JSON or YAML, or beyond a limit. `line` is 1-based, None where it is not known."""

    def __init__(self, message: str, line: int | None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line

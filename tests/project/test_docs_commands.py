"""Is docs/commands.md what the commands say of themselves?"""

from pathlib import Path

from headgate.cli.reference import page

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def test_the_page_of_the_commands_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: python -m headgate.cli.reference > docs/commands.md"


def test_every_command_has_an_example() -> None:
    sections = page().split("\n#")
    without = [
        s.splitlines()[0] for s in sections if "`headgate" in s[:20] and "```\nheadgate" not in s
    ]
    assert without == []

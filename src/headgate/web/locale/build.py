"""How do translations become what gettext reads? Compiled at installation, as the filter is.

Run by its path from the build hook: nothing of the package can be imported then.
"""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def build(folder: Path) -> list[Path]:
    """Compile every language below `folder`; the files that were written."""
    written = []
    for source in sorted(folder.glob("*/LC_MESSAGES/django.po")):
        with source.open("rb") as file:
            catalog = read_po(file)
        target = source.with_suffix(".mo")
        with target.open("wb") as file:
            write_mo(file, catalog)
        written.append(target)
    return written


if __name__ == "__main__":
    for path in build(Path(__file__).parent):
        print(path)  # noqa: T201  # a command of developers

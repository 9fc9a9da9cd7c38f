"""Is every template there that Python or another template names, and is each of ours named?"""

import re

from tests.project.tree import SOURCE, tracked

FOLDER = SOURCE / "web" / "templates"
NAMED = re.compile(r"""["']((?:[a-z_]+/)*[a-z_]+\.(?:html|txt|xml|svg))["']""")
INCLUDED = re.compile(r"""\{%\s*(?:extends|include)\s+["']([^"']+)["']""")
OF_ALLAUTH = ("account/", "allauth/", "mfa/", "socialaccount/", "usersessions/")


def _templates() -> set[str]:
    return {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}


def _named() -> dict[str, str]:
    """Each name with one of the files that say it."""
    found: dict[str, str] = {}
    for path in tracked("src/headgate/web/*.py", "src/headgate/store/*.py"):
        found |= dict.fromkeys(NAMED.findall(path.read_text()), path.name)
    for path in tracked("src/headgate/web/templates/*"):
        found |= dict.fromkeys(INCLUDED.findall(path.read_text()), path.name)
    return found


def test_every_template_that_is_named_is_there() -> None:
    named = _named()
    assert len(named) > 50
    missing = {
        name: where
        for name, where in named.items()
        if not (FOLDER / name).is_file() and not name.startswith(OF_ALLAUTH)
    }
    assert missing == {}


def test_no_template_of_ours_lies_there_unnamed() -> None:
    left = _templates() - _named().keys()
    assert sorted(name for name in left if not name.startswith(OF_ALLAUTH)) == []

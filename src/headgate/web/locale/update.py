"""Which sentences do the sites say, and which of them has a language not learned yet?

The sentences are those of `{% translate %}` and `{% blocktranslate %}` in templates and of
`gettext` and its like in Python, read by Django's own parser and Python's; also the problems
that the sites show, what each kind of policy does and each of its settings is for, what each
kind of event tells, and what the gateway answers by itself.
Plural forms are not used: sentences are written so that they need none.
"""

import ast
import io
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

WEB = Path(__file__).parents[1]
FUNCTIONS = frozenset({"_", "gettext", "gettext_lazy", "phrase", "words_of", "_shape"})
COMMENT = "# What the sites say, written by `python -m headgate.web.locale.update`; words by hand."
UNUSED_HEADERS = (  # dates and addresses that would differ each time, and tell nobody anything
    '"Project-Id',
    '"Report-',
    '"POT-',
    '"PO-',
    '"Last-',
    '"Language-Team',
    '"Generated',
)
OF_SETTINGS = (
    "claims",
    "error_bodies",
    "header_names",
    "limit_policy",
    "policy",
    "release",
    "secrets",
    "values",
    "version_choice",
)
SPEAKING = (  # where Python speaks to people
    *(f"web/{site}/**/*.py" for site in ("accounts", "console", "portal", "site")),
    "web/oauth/device_page.py",
    "store/services/**/*.py",  # by mails, and by problems that forms and pages show
    "alerts/webhooks.py",  # what is kept of a webhook, and shown
    *(f"core/{name}.py" for name in ("mistakes", "phrases", "text", "units")),
    *(f"model/{name}.py" for name in ("codec", "limits")),  # rules whose refusals forms show
    "catalog/*.py",  # also what is wrong with documents
    *(f"catalog/{name}.py" for name in ("io/connect", "io/fetch", "reference/limits")),
    *(f"gateway/{name}.py" for name in OF_SETTINGS),
    "gateway/policies/*.py",
)
PROBLEMS = {  # where their words stand
    "Problem": slice(1, 3),
    "refused": slice(0, 2),
    "invalid": slice(0, 1),
    "not_found": slice(0, 1),
    "already_exists": slice(0, 1),
    "Detail": slice(0, 1),
    "Finding": slice(1, 3),  # of the status
    "ValueError": slice(0, 1),  # of rules, whose words a refusal repeats
    "Unreadable": slice(0, 1),
    "BrokenReference": slice(0, 1),
}
NOTHING = slice(0)
PLACE_ALONE = re.compile(r"\{\w+\}")


def sentences() -> set[str]:
    """Everything that the sites say, as gettext names it."""
    return {
        *_of_templates(),
        *_of_python(),
        *_of_policies(),
        *_of_settings(),
        *_of_events(),
        *_of_answers(),
    }


def untranslated(po: Path) -> set[str]:
    """What a file of translations has no words for.

    Raises:
        OSError: there is no such file.
    """
    from babel.messages.pofile import read_po  # a tool of developers, not of the product

    with po.open("rb") as file:
        known = {_id(message.id) for message in read_po(file) if message.string}
    return sentences() - known


def unsayable() -> list[str]:
    """Where a refusal's words and values are one text, so that no other language can say it."""
    found = []
    for path in _speaking():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                found += [
                    f"{path.relative_to(WEB.parent)}:{one.lineno}: {ast.unparse(one)}"
                    for one in node.args[PROBLEMS.get(_name(node.func), NOTHING)]
                    if isinstance(one, ast.JoinedStr)
                ]
    return found


def update(po: Path, language: str) -> tuple[int, int]:
    """Make the file hold exactly what is said; how many were added and dropped."""
    from babel.messages.catalog import Catalog  # as above
    from babel.messages.pofile import read_po, write_po

    catalog = Catalog(locale=language, fuzzy=False, charset="utf-8", header_comment=COMMENT)
    if po.exists():
        with po.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id:
                    catalog.add(message.id, message.string)
    said, known = sentences(), {_id(message.id) for message in catalog if message.id}
    for sentence in sorted(known - said):
        catalog.delete(sentence)
    for sentence in sorted(said - known):
        catalog.add(sentence)
    written = io.BytesIO()
    write_po(written, catalog, width=100, sort_output=True, no_location=True)
    lines = written.getvalue().decode().split("\n")
    po.write_text("\n".join(line for line in lines if not line.startswith(UNUSED_HEADERS)))
    return len(said - known), len(known - said)


def _id(message_id: str | tuple[str, ...] | list[str]) -> str:
    return message_id if isinstance(message_id, str) else message_id[0]


def _of_templates() -> Iterator[str]:
    from django.template import engines
    from django.templatetags.i18n import BlockTranslateNode, TranslateNode

    engine = engines["django"].engine  # type: ignore[attr-defined]  # that of Django's own templates
    for path in sorted((WEB / "templates").rglob("*.html")):
        if "allauth" in path.parts:
            continue
        nodes = engine.from_string(path.read_text()).nodelist
        for node in nodes.get_nodes_by_type(TranslateNode):
            literal = getattr(node.filter_expression.var, "literal", node.filter_expression.var)
            if literal is not None:  # else a variable: what it holds is said somewhere in Python
                yield str(literal).replace("%", "%%")  # as Django asks for it
        for block in nodes.get_nodes_by_type(BlockTranslateNode):
            yield _block(block)


def _block(node: "object") -> str:
    text, _ = node.render_token_list(node.singular)  # type: ignore[attr-defined]  # Django's node
    if node.trimmed:  # type: ignore[attr-defined]  # likewise
        return " ".join(line.strip() for line in text.splitlines() if line.strip())
    return str(text)


def _of_python() -> Iterator[str]:
    for path in _speaking():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield from _said(node)


def _speaking() -> Iterator[Path]:
    for pattern in SPEAKING:
        yield from sorted(WEB.parent.glob(pattern))


def _said(call: ast.Call) -> Iterator[str]:
    """What a call translates, or says of a problem: what is wrong, and the next step."""
    name = _name(call.func)
    for one in call.args[0:1] if name in FUNCTIONS else call.args[PROBLEMS.get(name, NOTHING)]:
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value:
            yield one.value


def _of_policies() -> Iterator[str]:
    from headgate.gateway.policy import policies

    for kind in policies:
        yield (policies[kind].__doc__ or "").strip().partition("\n")[0]


def _of_settings() -> Iterator[str]:
    """What forms made of a schema say of each setting; the schema itself stays English."""
    from pydantic import BaseModel

    from headgate.gateway.policy import policies
    from headgate.web.api.upstreams import UpstreamData
    from headgate.web.console.policy_forms import fields_of

    models: list[type[BaseModel]] = [UpstreamData, *(policies[kind] for kind in policies)]
    for field in chain.from_iterable(fields_of(model.model_json_schema()) for model in models):
        yield from filter(None, (one.description for one in (field, *field.parts)))


def _of_events() -> Iterator[str]:
    from headgate.model.events import TOLD

    for told in TOLD.values():
        yield told.meaning


def _of_answers() -> Iterator[str]:
    """What the gateway says by itself, as the explanation of a call repeats it."""
    from headgate.gateway.envoy.answers import FILTER_ANSWERS
    from headgate.gateway.envoy.envoy_answers import ENVOY_ANSWERS

    texts = {
        text for one in (*FILTER_ANSWERS, *ENVOY_ANSWERS) for text in (one.detail, one.next_step)
    }
    yield from (text for text in sorted(texts) if not PLACE_ALONE.fullmatch(text))


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


if __name__ == "__main__":
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "headgate.store.settings")
    django.setup()
    for file in sorted(Path(__file__).parent.glob("*/LC_MESSAGES/django.po")):
        added, dropped = update(file, file.parts[-3])
        print(f"{file}: {added} new, {dropped} dropped, {len(untranslated(file))} without words")  # noqa: T201  # a command of developers

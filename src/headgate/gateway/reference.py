"""What can each policy be told? The page docs/policies.md, made from the registry.

`python -m headgate.gateway.reference > docs/policies.md`; a test compares the two.
"""

import inspect
import sys
from collections.abc import Iterator
from typing import Any

import yaml

from headgate.gateway.policy import Policy, Stage, policies

_INTRODUCTION = """# Policies
What the gateway does to requests beside routing them and asking who is calling. A policy is
attached to the gateway, to an API or to an operation; for each kind the most specific attachment
is in force, whole. What is attached to an API or operation is live after `headgate publish`.

```
headgate policies kinds                       # this list, for machines with --json
headgate policies set httpbin -f policies.yaml
```
where the file is a list of `kind` and `settings`, as in the examples below.

A text in the settings may name a secret: `${secret:NAME}` stands for what `headgate secret set
NAME` stored. Only nodes get the value; exports, answers and the audit log hold the reference. A
name under which nothing is stored is a mistake at publishing. There is no way to write the
characters `${secret:` for themselves.
"""
_STAGES = {
    Stage.EDGE: "before the key is looked at",
    Stage.ACCESS: "with the key: counted by the access filter",
    Stage.TRAFFIC: "after the key was accepted",
}


def page() -> str:
    """The whole page, Markdown."""
    return "\n".join([_INTRODUCTION, *(_section(name, kind) for name, kind in policies.items())])


def _section(name: str, kind: type[Policy]) -> str:
    places = "gateway, API, operation" if kind.attaches_to_gateway else "API, operation"
    example = yaml.safe_dump([{"kind": name, "settings": kind.example}], sort_keys=False).strip()
    rows = ["| setting | default | meaning |", "|---|---|---|", *_settings(kind)]
    return "\n".join(
        [
            f"## {name}",
            inspect.cleandoc(kind.__doc__ or ""),
            "",
            f"Attaches to: {places}. Acts {_STAGES[kind.stage]}.",
            "",
            "```yaml",
            example,
            "```",
            "",
            *rows,
            "",
        ]
    )


def _settings(kind: type[Policy]) -> Iterator[str]:
    schema = kind.model_json_schema()
    required = set(schema.get("required", []))
    for name, field in schema["properties"].items():
        default = "required" if name in required else f"`{_short(field.get('default'))}`"
        limits = _limits(field)
        meaning = field.get("description", "").replace("|", "\\|")
        yield f"| `{name}` | {default} | {meaning}{limits} |"


def _limits(field: dict[str, Any]) -> str:
    words = {
        "minimum": "at least {}",
        "maximum": "at most {}",
        "minItems": "at least {} items",
        "maxItems": "at most {} items",
        "maxLength": "at most {} characters",
        "enum": "one of {}",
    }
    found = [text.format(_short(field[name])) for name, text in words.items() if name in field]
    return f" ({', '.join(found)})" if found else ""


def _short(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "none"
    return "none" if value in (None, {}, "") else str(value)


if __name__ == "__main__":
    sys.stdout.write(page())

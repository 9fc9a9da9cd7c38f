"""What can each policy be told? The page docs/policies.md, made from the registry.

`python -m headgate.gateway.reference > docs/policies.md`; a test compares the two.
"""

import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from headgate.gateway.policy import Policy, Stage, caller_error, policies

_INTRODUCTION = """# Policies
What the gateway does to requests beside routing them and asking who is calling. A policy is
attached to one of these places; for each kind the last of them that has it is in force, whole.

| place | target | holds for | live |
|---|---|---|---|
| gateway | `gateway:default` | every call | at once |
| version | `pets` (the default one), `pets@v2` | calls of that version | by `headgate publish` |
| operation | `pets/listPets`, `pets@v2/listPets` | calls of it | by `headgate publish` |
| product | `product:basic` | calls of the product's subscribers, to all of its APIs | at once |
| plan | `plan:basic/free` | calls of that plan's subscribers | at once |

```
headgate policies kinds                       # this list, for machines with --json
headgate policies set httpbin -f policies.yaml
headgate policies set plan:basic/free -f hidden.yaml
headgate policies httpbin get --plan basic/free   # what holds, in order, and where it comes from
```
where a file is a list of `kind` and `settings`, as in the examples below. An API as a whole is no
place: what is to hold for several versions is attached to each.

**Who calls goes before what is called.** A field that a plan hides is hidden on every operation,
whatever the operation says. Only what acts after the key was accepted can be attached to a product
or plan; each kind says below whether it can, and why not. "At once" is one revision of each gateway
with an API of the product, so a second or so after the command; an API that is put into a product
is open to its subscribers some hundred milliseconds before the product's policies follow. A
rollback of the gateway takes policies back as well. Subscribers of an open API are told apart;
callers without a subscription get what everybody gets. Wrong methods and unknown paths are answered
as ever. At most 64 products and plans with policies count for one API.

What it costs: a call of an API without such policies pays nothing. On one with them every call pays
for the filters that any of its callers needs, idle or not, and a subscriber of such a plan for a
second look at the routes; each such product or plan adds routes of its own to the API, and no API
else.

**An open API with a limit per address.** `headgate api set pets --open` takes effect at once;
`anonymous` is the plan of those who come without one:

```
- kind: anonymous
  settings: {rates: [10/minute], quotas: [500/day]}
```

Each address counts for itself and reads what is left in `RateLimit`; who has a key and a
subscription gets that plan instead. Behind a load balancer, name it with `--trusted-proxy`
([settings](settings.md#behind-a-proxy)), or all callers share its address.

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
    reason = caller_error(name)
    places += f" (not product or plan: {reason})" if reason else ", product, plan"
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
    return _rows(schema, schema.get("$defs", {}), "")


def _rows(schema: Mapping[str, Any], definitions: Mapping[str, Any], before: str) -> Iterator[str]:
    """A row for each setting, and one for each that stands inside: `issuers[].audiences`."""
    required = set(schema.get("required", []))
    for name, field in schema["properties"].items():
        default = "required" if name in required else f"`{_short(field.get('default'))}`"
        of_each = "[]" if "items" in field else ""
        inner = _referred(field.get("items", field), definitions)
        limits = _limits(field | ({"enum": inner["enum"]} if "enum" in inner else {}))
        meaning = field.get("description", "").replace("|", "\\|")
        yield f"| `{before}{name}` | {default} | {meaning}{limits} |"
        if "properties" in inner:
            yield from _rows(inner, definitions, f"{before}{name}{of_each}.")


def _referred(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = definitions.get(field.get("$ref", "").rpartition("/")[2], field)
    return found


def _limits(field: Mapping[str, Any]) -> str:
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
    if isinstance(value, dict) and not any(value.values()):
        return "none"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "none"
    return "none" if value in (None, {}, "") else str(value)


if __name__ == "__main__":
    sys.stdout.write(page())

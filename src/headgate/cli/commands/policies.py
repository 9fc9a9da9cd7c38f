"""How is traffic shaped? Policies, attached to what is called, to a gateway or to callers."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from headgate.cli.client import Client, segment
from headgate.cli.output import Output
from headgate.cli.rest import group, rest_command

Target = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="An API (pets, or a version: pets@v2), an operation (pets/listPets), gateway:NAME, "
        "product:NAME or plan:PRODUCT/PLAN.",
    ),
]
AT_ONCE = ("gateway:", "product:", "plan:")
COLUMNS = {"kind": "kind", "settings": "settings"}
EFFECTIVE_COLUMNS = {
    "stage": "stage",
    "kind": "kind",
    "from": "place",
    "in force": "is_in_force",
    "replaced by": "replaced_by",
    "settings": "settings",
}


class EffectiveByDefault(TyperGroup):
    """`headgate policies API OPERATION` is `headgate policies effective API OPERATION`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # typer keeps its types private
        is_shorthand = len(args) > 1 and not args[1].startswith("-")
        if is_shorthand and args[0] not in self.commands:
            args = ["effective", *args]
        return super().resolve_command(ctx, args)


def add(app: typer.Typer) -> None:
    """Put the group under `headgate policies`."""
    app.add_typer(policies, name="policies")


policies = group(
    "Policies: CORS, limits, headers, caching … on APIs, operations, gateways, products, plans.",
    cls=EffectiveByDefault,
)


def path_of(target: str) -> str:
    """The resource that holds the policies of a target."""
    if target.startswith("gateway:"):
        return f"/gateways/{segment(target.removeprefix('gateway:'))}/policies"
    if target.startswith("product:"):
        return f"/products/{segment(target.removeprefix('product:'))}/policies"
    if target.startswith("plan:"):
        product, _, plan = target.removeprefix("plan:").partition("/")
        if not (product and plan):
            raise typer.BadParameter(f"{target!r} is no plan; write plan:PRODUCT/PLAN")
        return f"/products/{segment(product)}/plans/{segment(plan)}/policies"
    api, _, operation = target.partition("/")
    if operation:
        return f"/apis/{segment(api)}/operations/{segment(operation)}/policies"
    return f"/apis/{segment(api)}/policies"


@rest_command(
    policies, "kinds", examples=["headgate policies kinds", "headgate policies kinds cors"]
)
def kinds(
    api: Client,
    out: Output,
    *,
    kind: Annotated[str | None, typer.Argument(metavar="KIND", help="Only this one.")] = None,
) -> None:
    """List the kinds of policies, each with an example to copy into a file."""
    answer = api.get("/policy-kinds")
    found = [k for k in answer["items"] if kind in {None, k["kind"]}]
    if kind and not found:
        known = ", ".join(k["kind"] for k in answer["items"])
        raise typer.BadParameter(f"there is no policy {kind!r}; there are {known}")
    if out.is_json:
        out.value({"items": found})
        return
    import yaml

    for item in found:
        example = [{"kind": item["kind"], "settings": item.get("example", {})}]
        out.line(f"# {item['kind']}: {item.get('summary') or item.get('title') or ''}".rstrip(": "))
        out.line(yaml.safe_dump(example, sort_keys=False))


@rest_command(
    policies,
    "effective",
    examples=[
        "headgate policies effective pets listPets",
        "headgate policies pets listPets",
        "headgate policies pets listPets --plan basic/free",
    ],
)
def effective(
    api: Client,
    out: Output,
    *,
    name: Annotated[str, typer.Argument(metavar="API", help="The API's name.")],
    operation: Annotated[str, typer.Argument(metavar="OPERATION", help="The operation's id.")],
    gateway: Annotated[
        str, typer.Option("--gateway", help="Whose policies come first.")
    ] = "default",
    plan: Annotated[
        str, typer.Option("--plan", metavar="PRODUCT/PLAN", help="For this plan's subscribers.")
    ] = "",
) -> None:
    """List every policy for one operation in the order in which they act, with its origin.

    As edited; publish to put it in force. Without the word `effective` it is the same command.
    """
    path = f"/apis/{segment(name)}/operations/{segment(operation)}/effective-policies"
    found = _items(api.get(path, {"gateway": gateway, "plan": plan}))
    out.table(found, EFFECTIVE_COLUMNS, empty=f"No policy is attached to {name} {operation}.")


@rest_command(policies, "show", examples=["headgate policies show pets"])
def show(api: Client, out: Output, *, target: Target) -> None:
    """Show the policies of a target."""
    out.table(_items(api.get(path_of(target))), COLUMNS, empty=f"{target} has no policies.")


@rest_command(
    policies,
    "set",
    examples=[
        "headgate policies set pets -f policies.yaml",
        "headgate policies set pets/listPets -f policies.yaml",
        "headgate policies set gateway:default -f policies.yaml",
        "headgate policies set product:basic -f policies.yaml",
        "headgate policies set plan:basic/free -f policies.yaml",
    ],
)
def set_policies(
    api: Client,
    out: Output,
    *,
    target: Target,
    file: Annotated[
        Path,
        typer.Option("--file", "-f", exists=True, dir_okay=False, help="YAML: a list of policies."),
    ],
) -> None:
    """Replace the policies of a target by those of a file.

    Those of an API or operation are in force when published, all others at once.
    """
    import yaml

    try:
        given = yaml.safe_load(file.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} is not YAML: {error}") from error
    if not isinstance(given, list):
        raise typer.BadParameter(f"{file} holds no list of {{kind, settings}}")
    _put(api, out, target, given)


@rest_command(policies, "clear", examples=["headgate policies clear pets"])
def clear(api: Client, out: Output, *, target: Target) -> None:
    """Take every policy off a target; as `set`, in force when published or at once."""
    _put(api, out, target, [])


def _put(api: Client, out: Output, target: str, given: list[Any]) -> None:
    answer = api.put(path_of(target), given)
    kinds_set = ", ".join(str(policy.get("kind")) for policy in given) or "none"
    is_live = target.startswith(AT_ONCE)
    how = "In force on its gateways in a moment." if is_live else "Publish to put them in force."
    out.result(answer, f"Policies of {target}: {kinds_set}. {how}")


def _items(answer: Any) -> list[Any]:
    return list(answer["items"]) if isinstance(answer, dict) else list(answer)

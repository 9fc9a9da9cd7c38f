"""How does the README show the numbers? One table between two marks, written by script."""

from pathlib import Path

from bench.measure import Measurement

README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN = "<!-- bench: begin (written by `make bench`) -->"
END = "<!-- bench: end -->"


def render(body: dict[str, object]) -> str:
    """The Markdown table of all measurements."""
    rows = [Measurement(**m) for m in body["measurements"]]  # type: ignore[attr-defined]  # JSON
    lines = [
        f"Measured {str(body['measured_at'])[:10]} on {body['machine']}. Ratios are of one run.",
        "",
        "| what | measured | budget | |",
        "|---|---|---|---|",
    ]
    lines += [_row(row) for row in rows]
    return "\n".join(lines)


def _row(m: Measurement) -> str:
    sign = "≤" if m.is_upper else "≥"
    budget = "" if m.budget is None else f"{sign} {_number(m.budget)} {m.unit}"
    mark = {True: "kept", False: "missed", None: ""}[m.is_kept]
    note = f"{mark}: {m.note}" if mark and m.note else mark or m.note
    return f"| {m.what} | {_number(m.value)} {m.unit} | {budget} | {note} |"


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def write(body: dict[str, object], path: Path = README) -> None:
    """Replace the table in the README.

    Raises:
        ValueError: the marks are not there.
    """
    text = path.read_text()
    head, _, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not end:
        raise ValueError(f"{path.name} has no {BEGIN} … {END}")
    path.write_text(f"{head}{BEGIN}\n{render(body)}\n{END}{tail}")

"""`fairlead home`: the fleet at a glance, as the console's first page has it."""

from typing import Final, cast

import typer
from rich.markup import escape

from fairlead_cli import words
from fairlead_cli.client import Body
from fairlead_cli.output import Title, grid
from fairlead_cli.shell import Shell, command

_QUESTIONS: Final = {
    "online": "Who is online?",
    "broken": "What is broken?",
    "illegal_soon": "What becomes illegal soon?",
    "changing": "What is changing?",
    "cost": "What does it cost?",
    "ready_to_scale": "Are we ready to scale?",
}
_COLOURS: Final = {"ok": "green", "warn": "yellow", "bad": "red"}


def home(shell: Shell) -> None:
    """The fleet at a glance: six questions, each with an honest answer. Not legal advice."""
    found: Body = shell.client.get("/v1/home")
    shell.out.document(found)
    table = grid(Title(text="QUESTION"), Title(text="STATE"), Title(text="ANSWER"), Title(text="AGE", right=True))
    table.columns[0].no_wrap = True
    table.columns[2].overflow = "fold"
    for name, question in _QUESTIONS.items():
        answer = cast("Body", found[name])
        state = str(answer["state"])
        colour = _COLOURS.get(state, "dim")
        headline = cast("Body", answer["headline"])
        money = (
            f"[bold]{headline['value']} {escape(str(headline['unit']))}[/]. "
            if name == "cost" and headline["value"]
            else ""
        )
        age = answer.get("age_s")
        table.add_row(
            question, f"[{colour}]{state.replace('_', ' ')}[/]", money + escape(str(answer["sentence"])),
            words.age(age) if isinstance(age, int) else words.NOTHING,
        )  # fmt: skip
    shell.out.show(table)


def install(app: typer.Typer) -> None:
    """Register the command."""
    command(app, "home", examples=("fairlead home", "fairlead home --json"))(home)

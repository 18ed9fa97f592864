"""The questions of `hatch run new`, answered at a terminal."""

from collections.abc import Iterator

import pytest
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from infra.scaffold.questions import agreed, ask

DOWN, SPACE, ENTER = "\x1b[B", " ", "\r"


@pytest.fixture
def typed() -> Iterator[PipeInput]:
    with create_pipe_input() as terminal:
        yield terminal


def test_the_answers_are_words_of_the_command_line(typed: PipeInput) -> None:
    typed.send_text(f"invoices{ENTER}number:str:unique{ENTER}due:date{ENTER}{ENTER}")
    typed.send_text(f"{DOWN}{ENTER}invoices.write{ENTER}")
    typed.send_text(f"{SPACE}{DOWN}{DOWN}{SPACE}{ENTER}")

    words = ask(input=typed, output=DummyOutput())

    assert words == [
        *("invoices", "number:str:unique", "due:date", "owner:user", "--public"),
        *("--requires=invoices.write", "--tasks", "--settings"),
    ]


def test_a_wrong_answer_is_not_taken(typed: PipeInput) -> None:
    backspaces = "\x7f" * 20
    typed.send_text(f"users{ENTER}{backspaces}invoices{ENTER}")
    typed.send_text(f"{ENTER}number:string{ENTER}{backspaces}number:str{ENTER}{ENTER}")
    typed.send_text(f"{ENTER}write{ENTER}{backspaces}{ENTER}{ENTER}")

    words = ask(input=typed, output=DummyOutput())

    assert words == ["invoices", "number:str", "owner:user"]


def test_what_superusers_write_takes_no_permission(typed: PipeInput) -> None:
    typed.send_text(f"invoices{ENTER}number:str{ENTER}{ENTER}{DOWN * 3}{ENTER}{ENTER}")

    words = ask(input=typed, output=DummyOutput())

    assert words == ["invoices", "number:str", "--superuser"]


def test_who_leaves_writes_nothing(typed: PipeInput) -> None:
    typed.send_text("\x03")

    assert ask(input=typed, output=DummyOutput()) is None


@pytest.mark.parametrize(("answer", "yes"), [("y", True), ("n", False), (ENTER, False)])
def test_it_is_written_after_a_yes_only(typed: PipeInput, answer: str, yes: bool) -> None:
    typed.send_text(answer)

    assert agreed(input=typed, output=DummyOutput()) is yes

"""The field language: what it says, and the sentence for what says nothing."""

import shlex

import pytest

from infra.scaffold.errors import ScaffoldError
from infra.scaffold.fields import Field, parse
from infra.scaffold.kinds import KINDS

OF_THE_ISSUE = (
    "number:str:unique amount:decimal:12,2 status:enum:draft,sent,paid due:date "
    "meta:json:optional owner:user lines:has_many tags:many_to_many"
)


def test_a_word_says_name_type_argument_and_modifiers() -> None:
    fields = parse(OF_THE_ISSUE.split())

    assert fields[0] == Field("number", "str", unique=True)
    assert fields[1] == Field("amount", "decimal", "12,2")
    assert fields[2].members == ["draft", "sent", "paid"]
    assert fields[4] == Field("meta", "json", optional=True)
    assert [field.type for field in fields[5:]] == ["user", "has_many", "many_to_many"]


def test_nothing_of_it_needs_quoting_in_a_shell() -> None:
    words = [*OF_THE_ISSUE.split(), "title:str:max=50:default=none", "lines:has_many:a=str,b=int"]

    assert [shlex.quote(word) for word in words] == words


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("", "'' is no name of a field"),
        ("Number:str", "'Number' is no name of a field: lower-case letters"),
        ("a__b:str", "'a__b' is no name of a field"),
        ("number", "number lacks its type: number:str, say"),
        ("number:", "number lacks its type"),
        ("number:string", "number: there is no type 'string'. There are str, text, int"),
        ("number:str:uniq", "number: 'uniq' is no modifier. There are optional"),
        ("number:str:max", "number: 'max' is no modifier"),
        ("number:str:max=", "number: 'max=' is no modifier"),
        ("number:str:max=0", "number: max=0 is no whole number from 1 to 1000"),
        ("number:str:max=1001", "number: max=1001 is no whole number from 1 to 1000"),
        ("note:text:unique", "note: a text takes no unique; it takes max, optional, search"),
        ("amount:decimal:2,2", "amount: '2,2' isn't its digits and decimal places, like 12,2"),
        ("amount:decimal:x", "amount: 'x' isn't its digits"),
        ("status:enum", "status: a enum needs its values, like draft,sent,paid"),
        ("status:enum:draft", "status: an enum has two values or more"),
        ("status:enum:a-b,a_b", "status: an enum has two values or more"),
        ("status:enum:Draft,draft", "status: an enum has two values or more"),
        ("status:enum:1st,sent", "status: '1st' can't be a value"),
        ("status:enum:a,b:default=c", "status: 'c' can't be the default of a enum"),
        ("count_of:int:default=x", "count_of: 'x' can't be the default of a int"),
        ("count_of:int:max=5:default=6", "count_of: its default is more than max=5"),
        ("number:str:unique:default=a", "number: of unique values one at most is the default"),
        ("due:date:default=2030-02-30", "due: '2030-02-30' can't be the default of a date"),
        ("amount:decimal:4,2:default=100", "amount: '100' can't be the default"),
        ("parts:array:enum", "parts: 'enum' isn't the type of its elements"),
        ("customer:references", "customer: a references needs the feature whose rows it names"),
    ],
)
def test_what_says_nothing_is_refused_in_a_sentence(word: str, said: str) -> None:
    with pytest.raises(ScaffoldError) as refusal:
        parse([word])

    assert said in str(refusal.value)


def test_a_field_is_named_once() -> None:
    with pytest.raises(ScaffoldError, match="number stands there twice"):
        parse(["number:str", "number:int"])


def test_every_type_can_be_written() -> None:
    needs = {"enum": ":a,b", "references": ":users"}

    fields = parse([f"field_{kind}:{kind}{needs.get(kind, '')}" for kind in KINDS])

    assert [field.type for field in fields] == list(KINDS)

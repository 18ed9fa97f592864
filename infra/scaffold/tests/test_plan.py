"""What can't be a feature: nothing is written, and a sentence says what could be."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from infra.scaffold.context import context
from infra.scaffold.errors import ScaffoldError
from infra.scaffold.feature import Feature, Options
from infra.scaffold.fields import parse
from infra.scaffold.names import article, singular
from infra.scaffold.plan import planned


def plan(words: str, **options: Any) -> Feature:
    name, *fields = words.split()
    return planned(name, parse(fields), Options(**options))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Invoices number:str", "'Invoices' is no name of a feature"),
        ("invoice number:str", "invoice doesn't look like a plural"),
        ("users number:str", "There is a feature users. Take it away first: hatch run remove"),
        ("classes number:str:max=5 class:str", "class is a word of Python"),
        ("orders number:str", "The table would be called order, a reserved word of SQL"),
        ("sessions number:str", "There is a table session already"),
        ("queues number:str", None),
        ("tests number:str", "tests is the name of a module already"),
        ("requests number:str", "requests is the name of a module already"),
        ("secrets number:str", "secrets is the name of a module already"),
        ("utils number:str", "utils says nothing"),
        (f"{'a' * 31}s number:str", "has more than 30 characters"),
        ("invoices", "invoices has no field to write"),
        ("invoices owner:user", "invoices has no field to write"),
        ("invoices id:int", "id: every table of the feature has such a column already"),
        ("invoices created_at:datetime", "created_at: every table of the feature has"),
        ("invoices metadata:json", "metadata hides an attribute of pydantic's or SQLModel's"),
        ("invoices registry:str", "registry hides an attribute"),
        ("invoices copy:str", "copy hides an attribute"),
        ("invoices json:json", "json hides an attribute"),
        ("invoices model_config:str", "model_config hides an attribute"),
        ("invoices model_name:str", "model_name hides an attribute"),
        ("invoices date:date", "date is the name of a type"),
        ("invoices sort:str", "sort is a parameter of every list; call the field invoice_sort"),
        ("invoices user:str", "user is a reserved word of SQL; call the field invoice_user"),
        ("invoices order:int", "order is a reserved word of SQL"),
        ("invoices total:int total_min:str", "Lists would have two parameters total_min"),
        ("invoices number:str customer:references:customers", "there is no feature customers"),
        ("invoices number:str tags:many_to_many:tags", "there is no feature tags"),
        ("invoices number:str lines:has_many:kind=enum", "kind: a enum needs its values"),
        ("invoices number:str lines:has_many:a=str:unique", "a is shown with one row only"),
        (
            "invoices number:str lines:has_many:a=text:max=90000",
            "an answer of 1 MiB has room for 1 of 540,008 bytes",
        ),
        (f"invoices {' '.join(f'word{place}:str:max=300' for place in range(6))}", "A page of 100"),
        ("invoices number:str lines:has_many:meta=json", "each of many can't have a json"),
        ("invoices number:str login:references:auth", "A session refers to other rows itself"),
        ("fields label:str", "Its modules import another Field: name the feature more closely"),
        ("listings title:str", "import another Listing: name the feature more closely (saved_"),
        ("lists title:str", "Its modules import another ListQuery: name the feature more closely"),
        ("owners name:str", "Routes call the user owner already"),
        ("projects name:str updates:has_many:text=str", "There would be two types ProjectUpdate"),
        ("projects name:str read:enum:yes,no", "There would be two types ProjectRead"),
        ("invoices payer:user payer_id:int", "There would be two columns payer_id"),
    ],
)
def test_what_cannot_be_is_refused(words: str, said: str | None) -> None:
    if said is None:
        assert plan(words).single == "queue"
        return

    with pytest.raises(ScaffoldError) as refusal:
        plan(words)

    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("words", "options", "said"),
    [
        ("number:str", {"public": True, "superuser": True}, "choose one"),
        ("number:str owner:user", {"superuser": True}, "rows that have an owner are the owner's"),
        ("number:str", {"requires": "approve"}, "no name of a permission: write --requires inv"),
        ("number:str", {"requires": "a.b", "superuser": True}, "--superuser and --requires"),
        ("number:str", {"singular": "invoices"}, "invoices is its own singular"),
        ("number:str", {"singular": "order"}, "a reserved word of SQL"),
        ("number:str", {"transitions": "draft:sent"}, "no enum has the values draft, sent"),
        ("s:enum:a,b", {"transitions": "a"}, "isn't a list of steps"),
        ("s:enum:a,b", {"transitions": "a:a"}, "a:a is no step"),
        ("s:enum:a,b,c", {"transitions": "b:c"}, "no steps lead from the first, a, to b, c"),
        ("s:enum:a,b t:enum:a,b", {"transitions": "a:b"}, "more than one enum has the values"),
        ("s:enum:a,b:optional", {"transitions": "a:b"}, "it can't be optional"),
        ("number:str author:references:users", {"seed": True}, "--seed has no row to refer to"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    words: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ScaffoldError) as refusal:
        plan(f"invoices {words}", **options)

    assert said in str(refusal.value)


def test_a_setting_that_is_there_is_not_written_again() -> None:
    with pytest.raises(ScaffoldError, match="There is a setting WRITE_LIMIT already"):
        plan("writes number:str", settings=True)


@pytest.mark.parametrize(
    ("plural", "single"),
    [
        ("invoices", "invoice"),
        ("purchase_orders", "purchase_order"),
        ("categories", "category"),
        ("boxes", "box"),
        ("classes", "class"),
        ("branches", "branch"),
        ("houses", "house"),
        ("statuses", "status"),
        ("buses", "bus"),
        ("dishes", "dish"),
        ("keys", "key"),
    ],
)
def test_a_regular_plural_has_its_singular(plural: str, single: str) -> None:
    assert singular(plural) == single


@pytest.mark.parametrize("word", ["people", "children", "status", "analysis", "glass"])
def test_another_plural_asks_for_it(word: str) -> None:
    with pytest.raises(ScaffoldError, match="--singular"):
        singular(word)


def test_words_have_their_article() -> None:
    assert [article(noun) for noun in ("invoice", "unit", "user", "hour", "bill")] == [
        *("an", "a", "a", "an", "a"),
    ]


def test_nothing_is_written_of_what_is_refused(tmp_path: Path) -> None:
    from infra.checks import ROOT
    from infra.scaffold.__main__ import main

    before = sorted(ROOT.iterdir()), sorted((ROOT / "features").iterdir())

    assert main(["users", "title:str"]) == 1
    assert (sorted(ROOT.iterdir()), sorted((ROOT / "features").iterdir())) == before


def test_each_pair_of_states_is_a_step_or_refused() -> None:
    feature = plan("invoices status:enum:draft,sent,paid n:int", transitions="draft:sent,sent:paid")
    assert feature.machine is not None

    pairs = [*feature.machine.allowed, *feature.machine.refused]

    assert sorted(pairs) == sorted(product(["draft", "sent", "paid"], repeat=2))
    assert feature.machine.allowed == [("draft", "sent"), ("sent", "paid")]


@pytest.mark.parametrize(
    ("fields", "most"),
    [
        ("title=str,price=decimal:10,2", 100),
        ("title=str:max=50,note=text", 100),
        ("title=str,note=text,link=url", 80),
        ("note=text:max=5000:optional", 23),
    ],
)
def test_a_row_has_as_many_parts_as_an_answer_has_room_for(fields: str, most: int) -> None:
    feature = plan(f"invoices number:str lines:has_many:{fields}")

    assert [many.most for many in feature.children] == [most]
    assert feature.children[0].columns[-1].field.label in ("price", "note", "link")


@pytest.mark.parametrize(
    ("words", "listed"),
    [("body:text", 1000), ("body:text notes:text", 850), ("notes:text:max=9", 1000)],
)
def test_lists_show_as_much_of_texts_as_a_page_has_room_for(words: str, listed: int) -> None:
    assert plan(f"invoices {words}").listed == listed


@pytest.mark.parametrize(
    ("name", "said"), [("notes", "its notes are cut"), ("body", "its body is cut")]
)
def test_what_is_cut_is_said_in_its_number(name: str, said: str) -> None:
    assert context(plan(f"invoices {name}:text"))["shortened"] == f"{said} to 1,000 characters"

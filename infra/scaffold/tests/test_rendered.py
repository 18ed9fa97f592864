"""What is written reads as a person writes it: formatted, short, without a dead line."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.checks import ROOT, layout
from infra.scaffold.feature import Options
from infra.scaffold.fields import FLAGS, parse
from infra.scaffold.kinds import ELEMENTS, KINDS
from infra.scaffold.plan import planned
from infra.scaffold.render import render
from kernel import discovery

FIVE = (
    "number:str:unique amount:decimal:12,2 status:enum:draft,sent,paid due:date note:text:optional"
)
EVERY_TYPE = (
    "title:str:search:unique:max=60 body:text:search amount:decimal:9,3:index count_of:int:max=500 "
    "big:bigint:optional ratio:float done:bool:default=false due:date:default=2030-05-01 "
    "starts_at:datetime:optional lasts:timedelta:optional code:uuid:unique "
    "kind:enum:small,extra-large:default=small:index meta:json:optional parts:array:int "
    "names:array photo:bytes:optional link:url:optional mail:email:optional:search"
)
# With those above, each type has each modifier that it takes.
MORE_MODIFIERS = (
    "code:str:index:optional title:str:default=none pages:int:unique weight:int:index:default=5 "
    "total:bigint:unique:max=900 rank:bigint:index:default=1 price:decimal:unique "
    "cost:decimal:8,0:optional:max=5 rate:decimal:default=1.5 share:float:unique:max=1 "
    "score:float:index:optional level:float:default=0.5 is_open:bool:optional day:date:unique "
    "born:date:optional seen_at:datetime:unique took:timedelta:unique label:text:optional:max=200"
)
STILL_MORE = (
    "ended_at:datetime:index pause:timedelta:index token:uuid:index:optional "
    "colour:enum:red,green:optional mood:enum:calm,wild:index flags:array:bool:optional "
    "days:array:date:max=3 ids_of:array:uuid ratios:array:float blob:bytes:max=100 "
    "site:url:search:max=200 contact:email:unique backup:email:index:default=ada@example.com "
    "number:int:optional:max=1 summary:text:max=300 discount:decimal:3,2:max=1 day:date:index"
)
# What each of many can be.
PARTS = (
    "name:str owner:user parts:has_many:title=str:optional,body=text,count_of=int:max=9,big=bigint,"
    "price=decimal:8,3,ratio=float:max=1,done=bool:default=true,due=date,starts_at=datetime:optional,"
    "lasts=timedelta,code=uuid,link=url,mail=email"
)
# Rows that have no owner and rows that have one, of features that may be gone.
OTHERS = {"tiers": "tier:references:tiers", "posts": "post:references:posts:optional"}
RELATIONS = " ".join(
    [
        *("lines:has_many:title=str,price=decimal", "tags:many_to_many"),
        *(
            "watchers:many_to_many:users",
            "assignee:user:optional",
            "author:references:users",
            "editor:references:users:optional",
        ),
        *(word for feature, word in OTHERS.items() if feature in discovery.names()),
    ]
)
WITH_EVERYTHING = {
    "key": "uuid7",
    "transitions": "draft:sent,sent:paid",
    "tasks": True,
    "schedule": True,
    "settings": True,
    "rate_limit": True,
}
LARGE = (
    "number:str:unique body:text notes:text:optional status:enum:draft,sent "
    "currency:enum:EUR,USD meta:json link:url owner:user "
    "lines:has_many:title=str,unit_price=decimal:10,2,note=text "
    "things:has_many:link=url,mail=email:optional tags:many_to_many"
)
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    (f"{FIVE} owner:user", {}),
    (f"{FIVE} owner:user", {"public": True, "seed": True}),
    (FIVE, {"public": True}),
    (FIVE, {"superuser": True, "tasks": True}),
    (f"{FIVE} owner:user", {**WITH_EVERYTHING, "seed": True}),
    (f"{EVERY_TYPE} owner:user", {"schedule": True}),
    (f"{FIVE} {RELATIONS} owner:user", WITH_EVERYTHING),
    (f"name:str {RELATIONS}", {"public": True, "rate_limit": True}),
    (f"{FIVE} owner:user", {"requires": "invoices.approve", "transitions": "draft:sent,sent:paid"}),
    (
        f"{FIVE} lines:has_many tags:many_to_many author:references:users owner:user",
        {"requires": "invoices.write", "tasks": True},
    ),
    (FIVE, {"requires": "invoices.write"}),
    # Two numbers in the body that are ids, and none of the row's.
    ("title:str author:references:users reviewer:references:users owner:user", {}),
    ("title:str author:references:users", {"public": True}),
    # What is large where it is many: texts and decimals of parts, and what lists leave out.
    (
        LARGE,
        {"transitions": "draft:sent", "rate_limit": True, "seed": True},
    ),
    (MORE_MODIFIERS, {"public": True, "key": "uuid7"}),
    (STILL_MORE, {"superuser": True, "seed": True}),
    (PARTS, {"public": True}),
]
# Names that other things in the files could have, and fields that functions' parameters could.
NAMES: list[tuple[str, str, dict[str, Any]]] = [
    (
        "people",
        "name:str:unique place:str:search person:user owner:user",
        {"singular": "person", "rate_limit": True, "tasks": True},
    ),
    ("clients", "answer:text path:str:index pages:has_many", {"public": True}),
    (
        "purchase_orders",
        f"{FIVE} place:text:search:optional owner:user",
        {"requires": "purchase_orders.write", "settings": True},
    ),
]


NOUNS = (
    *("invoices", "payments", "letters", "parcels", "projects", "contracts", "meetings", "recipes"),
    *("journals", "animals", "machines", "lessons", "songs", "bridges", "planets", "rivers"),
    "journeys",
)


def named_variants() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The variants under names of their own, so that they can stand side by side."""
    for name, (words, options) in zip(NOUNS, VARIANTS, strict=True):
        yield (
            name,
            words,
            {
                key: value.replace("invoices", name) if key == "requires" else value
                for key, value in options.items()
            },
        )


EVERY = [*named_variants(), *NAMES]


def written(folder: Path, words: str, options: dict[str, Any], name: str = "invoices") -> Path:
    feature = planned(name, parse(words.split()), Options(**options))
    render(feature, folder / "features" / name)
    return folder / "features" / name


# What is found by its name.
OFFERED = ("exports", "omitted", "kept", "handlers")


def lines(folder: Path) -> int:
    return sum(len(path.read_text().splitlines()) for path in folder.glob("*.py"))


@pytest.mark.parametrize(("words", "options"), VARIANTS[:4])
def test_five_plain_fields_take_few_lines(
    tmp_path: Path, words: str, options: dict[str, Any]
) -> None:
    folder = written(tmp_path, words, {**options, "tasks": False, "seed": False})

    assert lines(folder) <= 260


def test_the_variants_have_each_type_with_each_of_its_modifiers() -> None:
    fields = [field for words, _ in VARIANTS for field in parse(words.split())]

    tried = {(field.type, name) for field in fields for name in FLAGS if getattr(field, name)}
    tried |= {(field.type, "max") for field in fields if field.maximum is not None}
    tried |= {(field.type, "default") for field in fields if field.default is not None}
    assert tried == {(kind, name) for kind, it in KINDS.items() for name in it.modifiers}
    assert {field.type for field in fields} == set(KINDS)
    elements = {field.argument or "str" for field in fields if field.type == "array"}
    assert elements == set(ELEMENTS)


@pytest.fixture(scope="module", params=EVERY, ids=[f"{n}" for n in range(len(EVERY))])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A feature as it is written, for tests that look at it."""
    name, words, options = request.param
    return written(tmp_path_factory.mktemp("tree"), words, options, name)


def test_what_is_written_passes_our_own_checks(folder: Path) -> None:
    settings = ["--quiet", "--no-cache", "--config", str(ROOT / "pyproject.toml"), str(folder)]
    for arguments in (["check"], ["format", "--check"]):
        command = [str(Path(sys.executable).with_name("ruff")), *arguments, *settings]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout
    assert list(layout._sizes(folder.parents[1])) == []


def test_no_dead_shape_and_no_empty_promise_is_written(folder: Path) -> None:
    texts = {path: path.read_text() for path in folder.rglob("*.py")}
    whole = "\n".join(texts.values())
    assert "TODO" not in whole
    assert "\n\n\n\n" not in whole
    code = "\n".join(text for path, text in texts.items() if "tests" not in path.parts)
    for declared in named(code):
        uses = code.count(declared) - code.count(f'"{declared}"')
        assert uses > 1, f"{declared} is declared and not used"


def named(code: str) -> list[str]:
    """The names that a feature's modules declare for each other."""
    found = []
    for node in ast.parse(code).body:
        if isinstance(node, ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.append(node.targets[0].id)
    ours = {"router", "functions", "cron_jobs", "views", *OFFERED}
    return [name for name in found if name not in ours]

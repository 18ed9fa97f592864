"""Events: handlers of every feature run inside the emitter's unit."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

import features
from kernel import discovery, events
from kernel.db.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Happened:
    what: str


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, UnitOfWork]]]:
    """What two features' handlers saw of Happened."""
    seen: list[tuple[str, UnitOfWork]] = []

    async def first(event: Happened, unit: UnitOfWork) -> None:
        seen.append((f"first {event.what}", unit))

    async def second(event: Happened, unit: UnitOfWork) -> None:
        seen.append((f"second {event.what}", unit))

    modules = {
        "apples": SimpleNamespace(handlers={Happened: [first]}),
        "pears": SimpleNamespace(handlers={Happened: [second]}),
    }
    monkeypatch.setattr(discovery, "load", lambda file: modules if file == "handlers" else {})
    events.registry.cache_clear()
    yield seen
    events.registry.cache_clear()


async def test_handlers_run_in_order_of_feature_name_in_the_emitters_unit(
    seen: list[tuple[str, UnitOfWork]], db: UnitOfWork
) -> None:
    await events.emit(db, Happened("it"))

    assert seen == [("first it", db), ("second it", db)]


async def test_an_event_without_handlers_is_no_error(
    seen: list[tuple[str, UnitOfWork]], db: UnitOfWork
) -> None:
    await events.emit(db, "unhandled")

    assert seen == []


def test_a_file_that_offers_something_else_stops_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(discovery, "load", lambda _: {"apples": SimpleNamespace(handlers=7)})

    with pytest.raises(discovery.DiscoveryError, match=r"features/apples/handlers\.py must offer"):
        discovery.offers("handlers", "handlers", dict)


def test_two_features_that_offer_the_same_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    offer = SimpleNamespace(providers={"identify": len})
    discovery.providers.cache_clear()
    monkeypatch.setattr(discovery, "load", lambda _: {"apples": offer, "pears": offer})

    with pytest.raises(
        discovery.DiscoveryError, match=r"pears/providers\.py offers identify, and another"
    ):
        discovery.providers()


def test_a_feature_folder_that_is_no_package_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "apples").mkdir()
    (tmp_path / "apples" / "router.py").touch()
    (tmp_path / "pears" / "__pycache__").mkdir(parents=True)
    monkeypatch.setattr(features, "__path__", [str(tmp_path)])

    with pytest.raises(discovery.DiscoveryError, match=r"features/apples has no __init__\.py"):
        discovery.names()

    (tmp_path / "apples" / "__init__.py").touch()
    assert discovery.names() == ["apples"]

"""What a revision runs beside the changes of tables: first counts, and extensions."""

from collections.abc import Iterator

from sqlalchemy import MetaData

from infra.revisions import catalog
from infra.revisions.catalog import Catalog
from infra.revisions.operations import ReversibleSQL


def first_counts(metadata: MetaData, made: Catalog, wanted: Catalog) -> Iterator[ReversibleSQL]:
    """Of tables whose rows are counted from now on: the rows that are there.

    Making the triggers has locked the table against writes until the end of the transaction.
    """
    for key in sorted(wanted.keys() - made.keys()):
        counter = metadata.tables[key.table].info.get("counter") if key.table else None
        if key.kind == "trigger" and key.name == "count_insert" and counter is not None:
            yield ReversibleSQL(counter.first_count)


def extensions(made: Catalog, wanted: Catalog) -> Iterator[ReversibleSQL]:
    """What the first index of trigrams needs. It stays on the way down: others may use it."""
    first, now = (
        any(catalog.TRIGRAMS in one for one in which.values()) for which in (made, wanted)
    )
    if now and not first:
        yield ReversibleSQL(catalog.MAKE_TRIGRAMS)

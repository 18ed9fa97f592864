"""PostgreSQL: the unit of work, tables, lists, compiled queries."""

from kernel.db.compiled_query import CompiledQuery
from kernel.db.errors import DatabaseUnavailable
from kernel.db.filters import Search
from kernel.db.listing import JSONBytesResponse, Listing
from kernel.db.pagination import CursorPage, ListQuery, Page, pages_of
from kernel.db.result_columns import Row
from kernel.db.sorting import SortBy
from kernel.db.tables import SoftDeleted, TableModel, Timestamped, UUIDKey, now, referred, unique
from kernel.db.unit_of_work import Resources, UnitOfWork

__all__ = ["CompiledQuery", "CursorPage", "DatabaseUnavailable", "JSONBytesResponse", "ListQuery"]
__all__ += ["Listing", "Page", "Resources", "Row", "Search", "SoftDeleted", "SortBy", "TableModel"]
__all__ += ["Timestamped", "UUIDKey", "UnitOfWork", "now", "pages_of", "referred", "unique"]

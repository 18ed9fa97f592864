"""What features call of FastCRUD, with whole types; tests/test_typings.py holds it to the package.

FastCRUD's own leave `Select` and `Row` without their parameters, and let no parameter of the class
be inferred: `FastCRUD(Post)` is enough here.
"""

from collections.abc import Sequence
from typing import Any, Generic, Literal, Self, TypeAlias, TypedDict, overload

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Select
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import TypeVar

_Model = TypeVar("_Model")
_Create = TypeVar("_Create", bound=BaseModel, default=BaseModel)
_Update = TypeVar("_Update", bound=BaseModel, default=BaseModel)
_UpdateInternal = TypeVar("_UpdateInternal", bound=BaseModel, default=BaseModel)
_Delete = TypeVar("_Delete", bound=BaseModel, default=BaseModel)
_Read = TypeVar("_Read", bound=BaseModel, default=BaseModel)
_Shape = TypeVar("_Shape", bound=BaseModel)
Where: TypeAlias = ColumnElement[bool] | Sequence[ColumnElement[bool]] | None

class _Rows(TypedDict, Generic[_Shape]):
    data: list[_Shape]
    total_count: int

class _ChangedRows(TypedDict, Generic[_Shape]):
    data: list[_Shape]

class _RawRows(TypedDict):
    data: list[dict[str, Any]]
    total_count: int

class PolicyConfig(BaseModel):
    hidden_columns: frozenset[str]
    read_only_columns: frozenset[str]

    def __init__(
        self,
        *,
        read: bool | Where = ...,
        create: bool = ...,
        update: bool | Where = ...,
        delete: bool | Where = ...,
        create_check: Where = ...,
        update_check: Where = ...,
        hidden_columns: frozenset[str] = ...,
        read_only_columns: frozenset[str] = ...,
    ) -> None: ...
    def grants(self, operation: str) -> bool: ...
    def row_conditions(self, operation: Any) -> list[ColumnElement[bool]]: ...

class JoinConfig(BaseModel):
    def __init__(self, **values: Any) -> None: ...

class FastCRUD(Generic[_Model, _Create, _Update, _UpdateInternal, _Delete, _Read]):
    model: type[_Model]
    policy: PolicyConfig | None

    def __init__(
        self,
        model: type[_Model],
        is_deleted_column: str = "is_deleted",
        deleted_at_column: str = "deleted_at",
        updated_at_column: str = "updated_at",
        multi_response_key: str = "data",
        custom_filters: dict[str, Any] | None = None,
        policy: PolicyConfig | None = None,
    ) -> None: ...
    def with_policy(self, policy: PolicyConfig | None) -> Self: ...
    async def select(
        self,
        schema_to_select: type[BaseModel] | None = None,
        sort_columns: str | list[str] | None = None,
        sort_orders: str | list[str] | None = None,
        where: Where = None,
        **kwargs: Any,
    ) -> Select[Any]: ...
    @overload
    async def create(
        self,
        db: AsyncSession,
        object: _Create,
        commit: bool = True,
        *,
        schema_to_select: type[_Shape],
        return_as_model: Literal[True],
        server_data: dict[str, Any] | None = None,
    ) -> _Shape: ...
    @overload
    async def create(
        self,
        db: AsyncSession,
        object: _Create,
        commit: bool = True,
        *,
        schema_to_select: type[BaseModel],
        server_data: dict[str, Any] | None = None,
    ) -> dict[str, Any]: ...
    @overload
    async def create(
        self,
        db: AsyncSession,
        object: _Create,
        commit: bool = True,
        *,
        server_data: dict[str, Any] | None = None,
    ) -> None: ...
    @overload
    async def get(
        self,
        db: AsyncSession,
        schema_to_select: type[_Shape],
        return_as_model: Literal[True],
        one_or_none: bool = False,
        where: Where = None,
        **kwargs: Any,
    ) -> _Shape | None: ...
    @overload
    async def get(
        self,
        db: AsyncSession,
        schema_to_select: type[BaseModel] | None = None,
        *,
        one_or_none: bool = False,
        where: Where = None,
        **kwargs: Any,
    ) -> dict[str, Any] | None: ...
    async def exists(self, db: AsyncSession, where: Where = None, **kwargs: Any) -> bool: ...
    async def count(
        self,
        db: AsyncSession,
        joins_config: list[JoinConfig] | None = None,
        distinct_on_primary: bool = False,
        where: Where = None,
        **kwargs: Any,
    ) -> int: ...
    @overload
    async def get_multi(
        self,
        db: AsyncSession,
        offset: int = 0,
        limit: int | None = 100,
        *,
        schema_to_select: type[_Shape],
        sort_columns: str | list[str] | None = None,
        sort_orders: str | list[str] | None = None,
        return_as_model: Literal[True],
        return_total_count: bool = True,
        where: Where = None,
        **kwargs: Any,
    ) -> _Rows[_Shape]: ...
    @overload
    async def get_multi(
        self,
        db: AsyncSession,
        offset: int = 0,
        limit: int | None = 100,
        schema_to_select: type[BaseModel] | None = None,
        sort_columns: str | list[str] | None = None,
        sort_orders: str | list[str] | None = None,
        *,
        return_total_count: bool = True,
        where: Where = None,
        **kwargs: Any,
    ) -> _RawRows: ...
    @overload
    async def update(
        self,
        db: AsyncSession,
        object: _Update | dict[str, Any],
        allow_multiple: Literal[False] = False,
        commit: bool = True,
        *,
        schema_to_select: type[_Shape],
        return_as_model: Literal[True],
        one_or_none: bool = False,
        where: Where = None,
        server_data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> _Shape | None: ...
    @overload
    async def update(
        self,
        db: AsyncSession,
        object: _Update | dict[str, Any],
        allow_multiple: Literal[True],
        commit: bool = True,
        *,
        schema_to_select: type[_Shape],
        return_as_model: Literal[True],
        one_or_none: bool = False,
        where: Where = None,
        server_data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> _ChangedRows[_Shape]: ...
    @overload
    async def update(
        self,
        db: AsyncSession,
        object: _Update | dict[str, Any],
        allow_multiple: bool = False,
        commit: bool = True,
        *,
        schema_to_select: type[BaseModel],
        one_or_none: bool = False,
        where: Where = None,
        server_data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any] | None: ...
    @overload
    async def update(
        self,
        db: AsyncSession,
        object: _Update | dict[str, Any],
        allow_multiple: bool = False,
        commit: bool = True,
        *,
        one_or_none: bool = False,
        where: Where = None,
        server_data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None: ...
    async def db_delete(
        self,
        db: AsyncSession,
        allow_multiple: bool = False,
        commit: bool = True,
        filters: _Delete | None = None,
        where: Where = None,
        **kwargs: Any,
    ) -> None: ...
    async def delete(
        self,
        db: AsyncSession,
        db_row: Any = None,
        allow_multiple: bool = False,
        commit: bool = True,
        filters: _Delete | None = None,
        where: Where = None,
        **kwargs: Any,
    ) -> None: ...
    # Joins, upserts and cursors, which no feature here uses: as FastCRUD's own guide shows them.
    async def get_joined(self, db: AsyncSession, *args: Any, **kwargs: Any) -> Any: ...
    async def get_multi_joined(self, db: AsyncSession, *args: Any, **kwargs: Any) -> Any: ...
    async def get_multi_by_cursor(self, db: AsyncSession, *args: Any, **kwargs: Any) -> Any: ...
    async def upsert(self, db: AsyncSession, *args: Any, **kwargs: Any) -> Any: ...
    async def upsert_multi(self, db: AsyncSession, *args: Any, **kwargs: Any) -> Any: ...

"""The largest JSON that a model's declaration allows, in bytes, as pydantic writes it."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from math import inf
from typing import Any

from pydantic_core import to_json

CHARACTER = 6  # bytes: a control character is \u0001; UTF-8 has four at most
# Of values whose length their type bounds; numbers without a bound of their own as BIGINT.
FIXED = {
    "none": 4,
    "bool": 5,
    "int": 20,
    "float": 24,
    "date": 12,
    "time": 24,
    "datetime": 34,
    "timedelta": 40,
    "uuid": 38,
}
WRAPPERS = {"default", "nullable", "function-after", "function-before", "function-wrap", "model"}
INNER = {"json-or-python": "json_schema", "lax-or-strict": "strict_schema"}
LISTS = {"list", "set", "frozenset", "generator"}
EXTRA = 'extra="allow"'  # in place of a field's name
SECRET = 12  # ten asterisks

Sizes = Mapping[tuple[type[Any], str], float]


@dataclass
class Walk:
    """One pass over a core schema, and what is found on the way.

    By class and field: `bounds` are the most bytes of values, where the model doesn't know better,
    and `lengths` the most items of lists. `columns` are of the row that an answer shows alone: no
    larger than the request that wrote it, so they don't count outside of lists.
    """

    bounds: Sizes = field(default_factory=dict)
    lengths: Sizes = field(default_factory=dict)
    columns: AbstractSet[tuple[type[Any], str]] = frozenset()
    # The most bytes of each model that lists hold, and of each field; those without a bound.
    items: dict[type[Any], float] = field(default_factory=dict)
    fields: dict[tuple[type[Any], str], float] = field(default_factory=dict)
    unbounded: dict[tuple[type[Any], str], None] = field(default_factory=dict)
    has_list: bool = False
    _by_ref: dict[str, Any] = field(default_factory=dict)
    _open: tuple[str, ...] = ()
    _in_list: int = 0
    _faults: int = 0

    def size(self, schema: Any, owner: Any = None, name: str = "") -> float:
        """The most bytes of a value of that schema, in the field `name` of the class `owner`."""
        serialization = schema.get("serialization", {})
        if serialization.get("type") in ("function-plain", "function-wrap"):
            if serialization["function"].__name__ == "_serialize_secret_field":
                return SECRET
            returned = serialization.get("return_schema")
            return self.size(returned, owner, name) if returned else inf
        kind = schema["type"]
        if kind in FIXED:
            return FIXED[kind]
        if kind in INNER:
            return self.size(schema[INNER[kind]], owner, name)
        if kind in ("model", "dataclass"):
            size = self.size(schema["schema"], schema["cls"])
            if schema.get("config", {}).get("extra_fields_behavior") == "allow":
                size = inf
                self.unbounded[schema["cls"], EXTRA] = None
                self._faults += 1
            if self._in_list:
                self.items[schema["cls"]] = size
            return size
        if kind in WRAPPERS:
            inner = self.size(schema["schema"], owner, name)
            return max(inner, FIXED["none"]) if kind == "nullable" else inner
        if kind in LISTS:
            return self._list(schema, owner, name)
        measure = getattr(self, f"_{kind.replace('-', '_')}", None)
        return inf if measure is None else measure(schema, owner, name)

    def _str(self, schema: Any, *_: Any) -> float:
        return text_size(schema.get("max_length", inf))

    def _decimal(self, schema: Any, *_: Any) -> float:
        return float(schema.get("max_digits", inf)) + 4

    def _bytes(self, schema: Any, *_: Any) -> float:
        return 6 + float(schema.get("max_length", inf)) * 4 / 3  # base64

    def _literal(self, schema: Any, *_: Any) -> float:
        return max(len(to_json(value)) for value in schema["expected"])

    def _enum(self, schema: Any, *_: Any) -> float:
        return max(len(to_json(member.value)) for member in schema["members"])

    def _union(self, schema: Any, owner: Any, name: str) -> float:
        choices = [one[0] if isinstance(one, tuple) else one for one in schema["choices"]]
        return max(self.size(choice, owner, name) for choice in choices)

    def _tagged_union(self, schema: Any, owner: Any, name: str) -> float:
        return max(self.size(choice, owner, name) for choice in schema["choices"].values())

    def _definitions(self, schema: Any, owner: Any, name: str) -> float:
        self._by_ref |= {one["ref"]: one for one in schema["definitions"]}
        return self.size(schema["schema"], owner, name)

    def _definition_ref(self, schema: Any, owner: Any, name: str) -> float:
        ref = schema["schema_ref"]
        if ref in self._open:
            return inf  # it holds itself
        before, self._open = self._open, (*self._open, ref)
        try:
            return self.size(self._by_ref[ref], owner, name)
        finally:
            self._open = before

    def _list(self, schema: Any, owner: Any, name: str) -> float:
        self.has_list = True
        given = [schema["max_length"]] if "max_length" in schema else []
        known = [self.lengths[key] for key in _keys(owner, name) if key in self.lengths]
        length = min([*given, *known], default=inf)
        self._in_list += 1
        item = self.size(schema.get("items_schema", {"type": "any"}), owner, name)
        self._in_list -= 1
        return float(2 + length * (1 + item))

    def _tuple(self, schema: Any, owner: Any, name: str) -> float:
        if schema.get("variadic_item_index") is not None:
            self.has_list = True
            return inf
        return 2 + sum(1 + self.size(item, owner, name) for item in schema["items_schema"])

    def _dict(self, schema: Any, owner: Any, name: str) -> float:
        key = self.size(schema.get("keys_schema", {"type": "any"}), owner, name)
        value = self.size(schema.get("values_schema", {"type": "any"}), owner, name)
        return float(2 + schema.get("max_length", inf) * (key + value + 2))

    def _model_fields(self, schema: Any, owner: Any, _: str) -> float:
        given = [
            (name, one, one["schema"])
            for name, one in schema["fields"].items()
            if not one.get("serialization_exclude")
        ]
        given += [
            (one["property_name"], one, one["return_schema"])
            for one in schema.get("computed_fields", ())
        ]
        return 2 + sum(self._field(owner, *one) for one in given)

    _typed_dict = _model_fields

    def _dataclass_args(self, schema: Any, owner: Any, name: str) -> float:
        fields = {one["name"]: one for one in schema["fields"]}
        return self._model_fields({**schema, "fields": fields}, owner, name)

    def _field(self, owner: Any, name: str, declared: Any, schema: Any) -> float:
        known = self._faults
        value = self.size(schema, owner, name)
        if not _has_serializer(schema):
            keys = _keys(owner, name)
            value = min([value, *[self.bounds[one] for one in keys if one in self.bounds]])
            if not self._in_list and not self.columns.isdisjoint(keys):
                value = 0
        shown = declared.get("serialization_alias") or declared.get("alias") or name
        self.fields[owner, name] = value
        if value == inf and self._faults == known:  # and none within it is at fault
            self.unbounded[owner, name] = None
            self._faults += 1
        return len(to_json(shown)) + 2 + value


def text_size(characters: float) -> float:
    """The most bytes of a text of so many characters."""
    return 2 + CHARACTER * characters


def _keys(owner: Any, name: str) -> list[tuple[Any, str]]:
    """Under which a field is known: a model that adds fields to another has that one's, too."""
    return [(each, name) for each in (_generic(owner), *getattr(owner, "__mro__", ()))]


def _has_serializer(schema: Any) -> bool:
    while "serialization" not in schema and isinstance(schema.get("schema"), dict):
        schema = schema["schema"]
    return "serialization" in schema


def _generic(model: Any) -> Any:
    """`Page` of `Page[PostRead]`, and of a class that is one."""
    for one in getattr(model, "__mro__", ()):
        given: Mapping[str, Any] = getattr(one, "__pydantic_generic_metadata__", {})
        if origin := given.get("origin"):
            return origin
    return model

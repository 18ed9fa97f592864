"""A feature that is to be: what was asked for, checked against what there is."""

from collections.abc import Sequence

from infra.scaffold.clashes import check_names
from infra.scaffold.errors import ScaffoldError
from infra.scaffold.feature import Feature, Options
from infra.scaffold.fields import Field
from infra.scaffold.filters import filter_names
from infra.scaffold.names import check_feature, check_field, singular
from kernel import discovery
from kernel.config.groups import KERNEL_GROUPS
from kernel.db.tables import metadata
from kernel.settings import feature_settings
from kernel.web.access import PERMISSION_NAME


def planned(name: str, fields: Sequence[Field], options: Options) -> Feature:
    """The feature. Raises ScaffoldError for what can't be, in words that say what can."""
    check_feature(name, options.singular or singular(name), discovery.names())
    feature = Feature(name, fields, options)
    _check_audience(feature)
    for field in fields:
        if field.name != "owner" or field.type != "user":
            check_field(field.name, feature.single)
    if not feature.valued:
        raise ScaffoldError(f"{name} has no field to write: give it one, like title:str.")
    if not feature.listed:
        raise ScaffoldError(
            f"A page of 100 {name} would have more than 1 MiB: give the texts a smaller max=, or "
            "put some of them into a feature of their own."
        )
    check_names(feature)
    _check_queries(feature)
    _check_tables(feature)
    _check_settings(feature)
    for one in feature.targets:
        assert one.row  # or it raises
    if options.seed and any(not column.field.optional for column in feature.references):
        raise ScaffoldError(
            "--seed has no row to refer to: make the reference optional, or leave it out."
        )
    return feature


def _check_audience(feature: Feature) -> None:
    options = feature.options
    if options.public and options.superuser:
        raise ScaffoldError("--public lets everyone read, --superuser no one else: choose one.")
    if options.requires and not PERMISSION_NAME.fullmatch(options.requires):
        raise ScaffoldError(
            f"{options.requires} is no name of a permission: "
            f"write --requires {feature.plural}.approve."
        )
    if options.superuser and options.requires:
        raise ScaffoldError("--superuser and --requires say who writes: choose one.")
    if options.superuser and feature.owned:
        raise ScaffoldError(
            "--superuser and owner:user: rows that have an owner are the owner's. Leave one out."
        )


def _check_queries(feature: Feature) -> None:
    """Two fields must not give lists one parameter: total_min:int and total:int."""
    names = [name for column in feature.every_column for name in filter_names(column)]
    for name in names:
        if names.count(name) > 1 or name in ("created_at_from", "created_at_to"):
            raise ScaffoldError(
                f"Lists would have two parameters {name}: a field of that name, and the bound of "
                "another one's range. Rename one of them."
            )


def _check_tables(feature: Feature) -> None:
    """What it brings must not be there: tables by their names, routes by their functions'."""
    discovery.load("models")
    tables = [feature.single, *(many.table for many in feature.children)]
    tables += [link.table for link in feature.links]
    for table in tables:
        if table in metadata.tables:
            raise ScaffoldError(
                f"There is a table {table} already. Say another singular of {feature.plural}: "
                f"--singular one_{feature.single}"
            )
    paths = {
        f"{prefix}/{name}"
        for prefix in ("", "/{username}")
        for name in (feature.single, feature.plural)
    }
    for name, router in discovery.offers("router", "router").items():
        for route in router.routes:
            if getattr(route, "path", None) in paths:
                raise ScaffoldError(
                    f"{name} has a route {route.path} already: choose another name."
                )


def _check_settings(feature: Feature) -> None:
    name = f"{feature.single}_limit"
    groups = [*KERNEL_GROUPS, *feature_settings()] if feature.options.settings else []
    if any(name in group.model_fields for group in groups):
        raise ScaffoldError(f"There is a setting {name.upper()} already: leave out --settings.")

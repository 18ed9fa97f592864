"""Whether the migrations go up, down and up again, and make what the models say."""

from infra.checks.migrations.walk import problems

__all__ = ["problems"]

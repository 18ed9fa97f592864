"""HTTP: routes and who may call them, sessions in endpoints, errors in the document."""

from kernel.web.access import (
    CHALLENGE,
    NOT_YOURS,
    PRIVILEGES,
    Access,
    access,
    has_permissions,
    unauthenticated,
)
from kernel.web.actor import note_actor
from kernel.web.database_errors import translate
from kernel.web.documented_errors import add_answers, error_responses, operations_of
from kernel.web.health import require_database
from kernel.web.router import ReplicaSession, SessionDep, calls_of, named_permissions, unit_of

__all__ = ["CHALLENGE", "NOT_YOURS", "PRIVILEGES", "Access", "ReplicaSession", "SessionDep"]
__all__ += ["access", "add_answers", "calls_of", "error_responses", "has_permissions"]
__all__ += ["named_permissions", "note_actor", "operations_of", "require_database", "translate"]
__all__ += ["unauthenticated", "unit_of"]

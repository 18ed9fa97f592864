"""/metrics on the API's own port, for who has the token; absent without one."""

import hmac

from fastapi import APIRouter, Request, Response

from kernel.config.observability import ObservabilitySettings
from kernel.db.unit_of_work import Resources
from kernel.errors import UnauthorizedException
from kernel.observability.exposition import rendered

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
def read_metrics(request: Request) -> Response:  # in a thread: it takes milliseconds
    """Show the metrics to who sends METRICS_TOKEN as a bearer token."""
    resources: Resources = request.app.state.resources
    token = resources.settings.group(ObservabilitySettings).metrics_token
    assert token is not None, "the route is added with the token"
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    right = hmac.compare_digest(given.encode(), token.get_secret_value().encode())
    if scheme.lower() != "bearer" or not right:
        raise UnauthorizedException("The metrics are for who has their token.")
    body, media_type = rendered(request.headers.get("Accept", ""))
    return Response(body, headers={"content-type": media_type})

"""What API keys offer: who sends one, and how the OpenAPI document says so."""

providers = {
    "identify_by_key": "features.api_keys.permissions.callers:identify_by_key",
    "extend_openapi": "features.api_keys.permissions.routes:extend_openapi",
}

"""What second factors offer: the step after a password, by name, since only logins ask for it; and
how the OpenAPI document says that one may be required."""

providers = {
    "further_step": "features.second_factor.permissions.steps:second_factor",
    "extend_openapi": "features.second_factor.permissions.requirement:extend_openapi",
}

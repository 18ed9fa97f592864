"""What roles offer the kernel: what a user may do. By name, since only the API asks for it."""

providers = {
    "permissions_of": "features.roles.grants:permissions_of",
    "kept_permissions_of": "features.roles.grants:kept_permissions_of",
}

"""What auth offers the kernel: who is calling. By name, since only the API asks for it."""

providers = {
    "identify": "features.auth.permissions:identify",
    "verify_basic": "features.auth.permissions:verify_basic",
}

"""What verification offers the kernel: the guards of routes. By name, since only the API asks."""

providers = {"guards": "features.verification.permissions:guards"}

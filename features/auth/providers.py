"""What auth offers the kernel: who is calling."""

from features.auth.permissions import identify, verify_basic

providers = {"identify": identify, "verify_basic": verify_basic}

"""Roles: what users may do beyond their own, by the permissions that routes name."""

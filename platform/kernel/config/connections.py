"""The settings that bound what clients may take of one API process."""

from pydantic import Field

from kernel.config.loader import SettingsGroup


class ConnectionSettings(SettingsGroup):
    """What one API process grants its clients (docs/running/limits.md has the reasons)."""

    title = "Connections"
    max_connections: int = Field(800, ge=1, description="connections of each API process")
    max_connections_per_address: int = Field(
        100,
        ge=1,
        description="of one address or IPv6 /64 network; TRUSTED_PROXIES have no such limit",
    )
    max_header_bytes: int = Field(32 * 1024, ge=1024, description="of a request line and headers")
    max_headers: int = Field(100, ge=1)
    header_timeout: float = Field(10, gt=0, description="seconds for a request's headers")
    body_timeout: float = Field(60, gt=0, description="seconds for the rest of a request")
    # Longer than any proxy keeps its own (infra/nginx: 4), so that the proxy is the one that
    # closes: a POST sent into a closing connection can't be repeated.
    idle_timeout: float = Field(75, gt=0, description="seconds between two requests")
    write_timeout: float = Field(
        30, gt=0, description="seconds in which a client must take 64 KiB of what waits for it"
    )
    max_unsent_bytes: int = Field(
        64 * 1024 * 1024, ge=1024, description="waiting for slow clients, of each process"
    )
    max_body_keys: int = Field(1000, ge=1, description="keys of all objects in a JSON body")
    # Three errors for each value, in a union, are 30 ms of blocked loop.
    max_body_items: int = Field(3000, ge=1, description="values in a JSON body")

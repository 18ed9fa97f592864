"""Settings that work and are dangerous."""

import sys
from ipaddress import ip_address

from infra.doctor.finding import Finding, found
from kernel.config.addresses import REDIS_ROLES
from kernel.config.groups import AppSettings, HttpSettings, RedisSettings
from kernel.config.loader import Settings
from kernel.config.observability import ObservabilitySettings


def environment(settings: Settings) -> Finding:
    """Which environment, which version, which Python."""
    app = settings.group(AppSettings)
    python = ".".join(map(str, sys.version_info[:3]))
    text = f"{app.environment}, {app.app_name} {app.app_version}, Python {python}"
    return Finding("environment", "ok", text)


def risky(settings: Settings) -> Finding:
    """What no check at the start refuses, since there may be a reason for it."""
    app, http = settings.group(AppSettings), settings.group(HttpSettings)
    risks = []
    if settings.unknown:
        risks.append(f".env has unknown names: {', '.join(settings.unknown)}")
    if any(network.prefixlen == 0 for network in http.trusted_proxies):
        risks.append("TRUSTED_PROXIES holds every address, so clients choose theirs")
    if "*" in http.cors_origins:
        risks.append("CORS_ORIGINS lets any site's scripts call")
    if app.environment == "local":
        if not is_loopback(http.host):
            risks.append(
                f"HOST={http.host} shows a local environment, with open docs, to other machines"
            )
    else:
        risks += _outside_local(settings)
    return found("settings", f"{len(risks)} risky", risks)


def _outside_local(settings: Settings) -> list[str]:
    risks = []
    redis, seen = settings.group(RedisSettings), settings.group(ObservabilitySettings)
    if settings.group(AppSettings).log_level == "DEBUG":
        risks.append("LOG_LEVEL=DEBUG: libraries log what they send and get")
    for role in sorted(REDIS_ROLES):
        address = redis.address(role)
        if address and "@" not in address:
            risks.append(f"REDIS_{role.upper()}_URL has no password")
    if not seen.metrics:
        risks.append("METRICS=off: no alert tells of trouble")
    return risks


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""A short label for the program that logged in, from its User-Agent header."""

from features.auth.models import MAX_DEVICE

# The first word found wins: browsers also name the ones that they want to be taken for.
PROGRAMS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def device_label(user_agent: str) -> str:
    """`Firefox on Linux`; for other programs what they call themselves; else `Unknown device`."""
    program = next((name for word, name in PROGRAMS.items() if word in user_agent), None)
    system = next((name for word, name in SYSTEMS.items() if word in user_agent), None)
    if program and system:
        return f"{program} on {system}"
    own_name = "".join(c for c in user_agent.partition(" ")[0] if c.isprintable())
    return (program or own_name or "Unknown device")[:MAX_DEVICE]

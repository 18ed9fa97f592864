"""OpenAPI and its pages: open in local, for superusers in staging, absent in production."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from kernel.settings import AppSettings


def metadata(settings: AppSettings) -> dict[str, Any]:
    """FastAPI's arguments that describe the API."""
    contact = {"name": settings.contact_name, "email": settings.contact_email}
    contact = {key: value for key, value in contact.items() if value}
    return {
        "title": settings.app_name,
        "description": settings.app_description or "",
        "version": settings.app_version,
        "contact": contact or None,
        "license_info": {"name": settings.license_name} if settings.license_name else None,
        "generate_unique_id_function": _operation_id,
    }


def _operation_id(route: APIRoute) -> str:
    return route.name


def install(app: FastAPI, settings: AppSettings) -> None:
    """Placeholder until the pages are served from the project's own files."""

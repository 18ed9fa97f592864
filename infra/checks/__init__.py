"""`hatch run check`: format, lint, types, imports, layout, migrations in step, lock in step."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

"""`hatch run upgrade-from TAG`: a later version of the template, into a project made from it."""

# The template's version that this tree has; `version` in pyproject.toml is the product's own.
VERSION = "0.1.0"

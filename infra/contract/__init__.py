"""What clients rely on, kept as reviewable files: the OpenAPI document and who may call what."""

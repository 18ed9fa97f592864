"""`hatch run client`: a typed TypeScript client from the recorded OpenAPI document."""

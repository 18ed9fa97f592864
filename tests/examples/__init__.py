"""Features that the guides show, and what they do."""

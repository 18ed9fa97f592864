"""Posts: what users publish under their names."""

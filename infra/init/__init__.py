"""`hatch run init "My product"`: makes a clone of the template a product of its own, once."""

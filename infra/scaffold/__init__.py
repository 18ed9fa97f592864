"""`hatch run new` writes a feature, `hatch run remove` takes one away."""

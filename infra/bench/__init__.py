"""`hatch run bench`: our application beside a floor that does the same work with nothing around.

The folder stands by itself: a clone may delete it, and the verb in hatch.toml.
"""

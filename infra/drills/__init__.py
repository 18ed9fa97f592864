"""The long gates, `hatch run drill`: what breaks when things are killed. Each prints its seed."""

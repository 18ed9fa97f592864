"""The documentation: docs/ as a site, and the drill that runs what its pages show."""

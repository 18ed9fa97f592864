"""Whether what deploys the project is well-formed, asked of the real tools."""

"""Behind `@cache`: what it declares, where answers are kept, hits before dependencies."""

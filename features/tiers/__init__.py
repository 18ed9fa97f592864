"""Tiers: the plans that users are on, named by what they may do."""

"""The name under which it is kept whether an account has a factor."""

HAS_FACTOR = "second_factor:{user_id}"

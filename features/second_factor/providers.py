"""What second factors offer: the step after a password. By name, since only logins ask for it."""

providers = {"further_step": "features.second_factor.permissions.steps:second_factor"}

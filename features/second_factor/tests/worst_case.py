"""What a second factor costs in routes of others: whether the account has one is looked up."""

adds = {
    "POST /api/v1/login": 1,
    "POST /api/v1/step-up": 1,
    "GET /api/v1/sign-in/{provider}/callback": 1,
}

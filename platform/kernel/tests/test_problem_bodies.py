"""The body of a problem, whatever a client has sent."""

import json

from kernel.web.problems import problem_body


def test_what_is_no_valid_unicode_is_replaced_and_not_a_crash() -> None:
    members = {"errors": [{"loc": ["body", "\ud800"], "input": "\udfff", "number": 1}]}

    problem = json.loads(problem_body(422, "no \ud800 text", "/x", members))

    assert problem["detail"] == "no ? text"
    assert problem["errors"] == [{"loc": ["body", "?"], "input": "?", "number": 1}]
    assert problem["status"] == 422

"""Each mail of a feature has an example, and can be shown with it."""

import pytest

from infra.mail.previews import problems
from kernel import discovery


@pytest.mark.parametrize("feature", discovery.names())
def test_every_mail_is_shown_with_its_example(feature: str) -> None:
    assert "\n".join(problems(feature)) == ""

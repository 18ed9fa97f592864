"""What a feature keeps of a person is handed out and goes with the account, or it says why not."""

import pytest

from infra.checks.personal_data import missing
from kernel import discovery


@pytest.mark.parametrize("feature", discovery.names())
def test_what_is_kept_of_a_person_is_exported_and_erased(feature: str) -> None:
    assert "\n".join(missing(feature)) == ""

"""`.env.example` is what the settings classes say, and is safe to copy."""

from infra import env_example
from infra.checks import ROOT
from kernel.config.loader import Settings, read_dotenv


def test_the_file_lists_every_setting_with_its_default() -> None:
    text = (ROOT / env_example.FILE).read_text()

    assert text == env_example.text(), f"Write it anew: {env_example.UPDATE}"


def test_a_copy_of_it_changes_nothing_and_names_no_server() -> None:
    values = read_dotenv(ROOT / env_example.FILE)

    copied, untouched = Settings(values), Settings()
    copied.check(env_example.groups())

    assert not any(name.startswith(env_example.SERVERS) for name in values)
    for group in env_example.groups():
        assert copied.group(group) == untouched.group(group)

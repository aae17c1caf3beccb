"""Settings from file and environment."""

import pytest

from iotops import settings
from iotops.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("IOTOPS_BROKER__URL", "IOTOPS_DATABASE__URL", "IOTOPS_API__LISTEN", "IOTOPS_RULES__DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


def test_variable_beats_file_beats_default(tmp_path, monkeypatch):
    """IOTOPS_SECTION__KEY overrides iotops.toml, which overrides the default."""
    (tmp_path / "iotops.toml").write_text('[api]\nlisten = "127.0.0.1:9000"\n[ingest]\ncommit_ms = "2s"\n')
    monkeypatch.setenv("IOTOPS_API__LISTEN", "127.0.0.1:9001")

    found = settings.load()

    assert found.api.listen == "127.0.0.1:9001"
    assert found.ingest.commit_ms == 2_000
    assert found.rules.directory.name == "rules"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[api]\nlissen = 1\n", "api.lissen"),
        ('[ingest]\ncommit_ms = "soon"\n', "ingest.commit_ms: .*'soon' is not a duration"),
        ('[broker]\nurl = "http://u:geheim@x"\n', r"expected mqtt://HOST.*\*\*\*"),
        ("[api\n", "iotops.toml"),
    ],
)
def test_setting_that_cannot_work_is_named(tmp_path, text, message):
    """The error names the setting and what was found, and never a password."""
    (tmp_path / "iotops.toml").write_text(text)

    with pytest.raises(ConfigurationError, match=message) as caught:
        settings.load()

    assert "geheim" not in str(caught.value)


def test_password_in_url_is_redacted():
    """A URL that is printed shows no password."""
    assert settings.redact("postgresql://a:b%40c@h/x") == "postgresql://a:***@h/x"
    assert settings.redact("mqtt://h:1883") == "mqtt://h:1883"

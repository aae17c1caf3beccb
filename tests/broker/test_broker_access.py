"""What a client proves itself with, as the settings say."""

import pytest

from iotops.broker.access import address, credentials, tls_context
from iotops.errors import ConfigurationError
from iotops.settings import BrokerSettings


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://here", ("here", 1883)),
        ("mqtts://here", ("here", 8883)),
        ("mqtt://ana:x@[::1]:77", ("::1", 77)),
    ],
)
def test_port_follows_the_scheme_where_none_is_given(url, expected):
    """1883 in the clear, 8883 under TLS, or what the URL says."""
    assert address(BrokerSettings(url=url)) == expected


def test_password_of_the_file_beats_that_of_the_url(tmp_path):
    """A file can be kept from others; the newline at its end is no part of the password."""
    file = tmp_path / "password"
    file.write_text("of file\n")

    assert credentials(BrokerSettings(url="mqtt://a%40b:x%2Fy@here")) == ("a@b", "x/y")
    assert credentials(BrokerSettings(url="mqtt://ana:x@here", password_file=file)) == ("ana", "of file")
    assert credentials(BrokerSettings(url="mqtt://here", password_file=file)) is None


def test_files_that_cannot_be_read_are_named(tmp_path):
    """The setting stands in the error."""
    absent = tmp_path / "absent"

    with pytest.raises(ConfigurationError, match=r"broker\.password_file"):
        credentials(BrokerSettings(url="mqtt://ana@here", password_file=absent))
    with pytest.raises(ConfigurationError, match=r"broker\.ca_file"):
        tls_context(BrokerSettings(url="mqtts://here", ca_file=absent))


def test_tls_is_for_mqtts_only():
    """Certificates are checked under mqtts, and not looked at otherwise."""
    assert tls_context(BrokerSettings(url="mqtt://here")) is None
    context = tls_context(BrokerSettings(url="mqtts://here"))
    assert context is not None
    assert context.check_hostname

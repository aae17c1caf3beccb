"""Settings: `iotops.toml`, overridden by `IOTOPS_SECTION__KEY`. Read once by the command line, never at import."""

from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from iotops.durations import parse_duration
from iotops.errors import ConfigurationError

DEFAULT_FILE = Path("iotops.toml")


def _duration(found: object) -> object:
    return parse_duration(found) if isinstance(found, str) else found


Milliseconds = Annotated[int, BeforeValidator(_duration), Field(ge=0)]
"""A duration, written `90s` in files and variables, kept as milliseconds."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BrokerSettings(_Section):
    """Where messages come from. User and password may stand in the URL, or the password in a file."""

    url: SecretStr = SecretStr("mqtt://127.0.0.1:1883")
    password_file: Path | None = None
    client_id: str = "iotops-ingest"
    protocol: Annotated[int, Field(ge=4, le=5)] = 5  # 5, or 4 = MQTT 3.1.1 (the embedded broker)
    topics: tuple[str, ...] = ("iot/+/+/telemetry", "iot/+/+/telemetry/+", "iot/+/+/status", "iot/+/+/event")
    receive_maximum: Annotated[int, Field(ge=1, le=65_535)] = (
        20_000  # throughput <= this / commit cycle; a burst rests here
    )
    session_expiry_ms: Milliseconds = 7 * 86_400_000
    keepalive_ms: Milliseconds = 30_000
    max_packet_bytes: int = 262_144
    receiver: Literal["fast", "paho"] = "fast"  # what reads packets: the same promises, another speed
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, url: SecretStr) -> SecretStr:
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            msg = f"expected mqtt://HOST[:PORT] or mqtts://HOST[:PORT], found {redact(url.get_secret_value())!r}"
            raise ValueError(msg)
        return url


class DatabaseSettings(_Section):
    """Where everything is remembered: `sqlite:///FILE` or `postgresql://USER@HOST/NAME`."""

    url: SecretStr = SecretStr("sqlite:///iotops.db")


class ApiSettings(_Section):
    """Where programs and people ask. `behind_proxy` declares a proxy that ends TLS before us."""

    listen: str = "127.0.0.1:8000"
    certificate_file: Path | None = None
    key_file: Path | None = None
    behind_proxy: bool = False
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")  # whose word counts on who asks, and whether under TLS
    requests_per_s: Annotated[int, Field(ge=0, le=100_000)] = 50  # of one token or session; 0: no limit
    burst: Annotated[int, Field(ge=1, le=1_000_000)] = (
        500  # above that, at once: a page of the console asks several times
    )
    failed_sign_ins: Annotated[int, Field(ge=1, le=1_000)] = 10  # from one address within `failed_within_ms`
    failed_within_ms: Milliseconds = 300_000
    max_streams: Annotated[int, Field(ge=1, le=1_000)] = 20  # event streams of one token or session at a time


class RulesSettings(_Section):
    """Where rules are; `devices.yaml` and `services.yaml` stand beside the rule files."""

    directory: Path = Path("rules")
    reload_ms: Milliseconds = 1_000
    max_rules: Annotated[int, Field(ge=1)] = 5_000  # each is remembered for every device that it matches


class IngestSettings(_Section):
    """How messages are grouped into transactions, and what is refused."""

    commit_ms: Milliseconds = 50
    commit_messages: int = 2_000
    max_skew_ms: Milliseconds = 300_000
    max_payload_bytes: int = 262_144
    unacked_after_ms: Milliseconds = 120_000  # an older unacknowledged message forces a reconnect
    snapshot_ms: Milliseconds = 60_000  # every slot of rule memory is written once in this time
    max_devices: int = 200_000
    max_metrics_per_device: int = 512


class IncidentSettings(_Section):
    """Times of the incident life cycle."""

    reopen_ms: Milliseconds = 1_800_000
    clear_for_ms: Milliseconds = 0
    grace_ms: Milliseconds = 900_000
    close_after_ms: Milliseconds = 7 * 86_400_000
    flaps: Annotated[int, Field(ge=1, le=1_000)] = 4  # turns from resolved to firing within `flap_within_ms`: flapping
    flap_within_ms: Milliseconds = 3_600_000
    flap_quiet_ms: Milliseconds = 1_800_000  # a flapping incident resolves after that long without an alert
    ingest_down_ms: Milliseconds = 60_000
    near_breach: Annotated[float, Field(gt=0, lt=1)] = 0.8  # share of a promised time after which a breach is near
    status_silent_ms: Milliseconds = 900_000  # not heard of for so long: nothing is known of a device
    impact_share: Annotated[float, Field(gt=0, le=1)] = 0.5  # of a service's devices: impact one step higher


class RetentionSettings(_Section):
    """How long what is kept, counted from receive time."""

    raw_ms: Milliseconds = 30 * 86_400_000  # every value of telemetry
    downsampled_ms: Milliseconds = 400 * 86_400_000  # five minutes of it as one; at most `raw_ms`: not at all
    dead_letters_ms: Milliseconds = 30 * 86_400_000
    arrivals_ms: Milliseconds = 7 * 86_400_000  # what else the log of arrivals tells: an exact replay reaches so far


class AuditSettings(_Section):
    """Where the heads of the chains are written down, outside of the database."""

    anchor_file: Path = Path("iotops.anchors")
    anchor_ms: Annotated[Milliseconds, Field(ge=1_000)] = 600_000


class EnrolmentSettings(_Section):
    """Where credentials of devices are kept, and how long certificates are good."""

    directory: Path = Path("broker")
    certificate_days: Annotated[int, Field(ge=1, le=3_650)] = 730


class Settings(BaseSettings):
    """Everything that can be set, with its defaults."""

    model_config = SettingsConfigDict(env_prefix="IOTOPS_", env_nested_delimiter="__", extra="forbid", frozen=True)

    broker: BrokerSettings = BrokerSettings()
    database: DatabaseSettings = DatabaseSettings()
    api: ApiSettings = ApiSettings()
    rules: RulesSettings = RulesSettings()
    ingest: IngestSettings = IngestSettings()
    incidents: IncidentSettings = IncidentSettings()
    retention: RetentionSettings = RetentionSettings()
    audit: AuditSettings = AuditSettings()
    enrolment: EnrolmentSettings = EnrolmentSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the signature is the library's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Variables beat the file, the file beats the defaults."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load(file: Path | None = None, **overrides: Any) -> Settings:
    """Read the settings once, from the file (default `iotops.toml` where it exists) and the environment.

    Raises:
        ConfigurationError: a setting that cannot work, or a file that was named and is not there.
    """
    if file is not None and not file.is_file():
        msg = f"settings file {file}: not found; name an existing file, or leave --config out"
        raise ConfigurationError(msg)
    config = {**Settings.model_config, "toml_file": file or DEFAULT_FILE}
    chosen = type("Settings", (Settings,), {"model_config": config})
    try:
        settings = chosen(**overrides)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        msg = f"settings: {faults}; see `iotops doctor` for all settings and their values"
        raise ConfigurationError(msg) from error
    except ValueError as error:  # broken TOML
        msg = f"settings file {file or DEFAULT_FILE}: {error}"
        raise ConfigurationError(msg) from error
    assert isinstance(settings, Settings)  # noqa: S101  for the type checker: `chosen` is a subclass
    return settings


def redact(url: str) -> str:
    """Return a URL that can be printed: the password replaced by `***`."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return url.replace(f":{quote(unquote(parts.password), safe='')}@", ":***@").replace(f":{parts.password}@", ":***@")


def shown(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return section -> name -> value of every setting as it may be printed: JSON-able, passwords replaced."""
    return {
        section: {name: _plain(value) for name, value in getattr(settings, section)}
        for section in type(settings).model_fields
    }


def _plain(value: object) -> object:
    if isinstance(value, SecretStr):
        return redact(value.get_secret_value())
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value

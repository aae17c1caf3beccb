"""Every error that iotops raises on purpose.

The tree::

    IotopsError                  what every command catches and prints as `error: what, where, what to do`
      ConfigurationError         settings that cannot work
      DecodeError                one message cannot be used; becomes a dead letter with `reason`
      RuleFileError              rule files with findings; the old rule set stays
      UnformattableFile          a rule file that formatting would change in its meaning
      IllegalTransition          an action the incident's state does not allow
      NotFound                   no such incident, device, rule, ...
        OutOfSight               ... for whoever asks: it is another site's
      StaleVersion               somebody else changed the incident in between
      Conflict                   what is asked contradicts what is stored
      BrokerError                the broker refused us in a way that waiting will not heal
        NotOurSession            ... for what we are there for: it took us for another client, and we left again
      StoreError                 the database refused
        StoreBusy                ... for now (locked, full, gone): retry the same work
          CommitUnknown          ... at the commit itself: look whether it happened before retrying
        NewerSchema              ... because a newer iotops has written it: start that one
        PoisonRow                ... because of one row: find it, dead-letter it, go on
        Overtaken                ... because another process wrote what only we may write: end, and start anew
      DeliveryFailed             a message could not be delivered now; it is tried again
      ApiError                   the HTTP API could not be reached, or refused what the command line asked for
"""

from collections.abc import Sequence


class IotopsError(Exception):
    """Root of the tree; its text is meant for the person who can do something about it."""


class ConfigurationError(IotopsError):
    """Settings that cannot work; the text names the setting, what was found and what to write."""


class DecodeError(IotopsError):
    """One message cannot be used.

    Attributes:
        reason: one of `iotops.telemetry.decode.REASONS`.
        detail: what was found and what was expected, for the device's author.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class RuleFileError(IotopsError):
    """Rule files that cannot be loaded; carries every finding, not just the first."""

    def __init__(self, findings: Sequence[object]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = tuple(findings)


class UnformattableFile(IotopsError):
    """A rule file that cannot be written in the canonical form; the text says why, and the file stays as it is."""


class ExpressionError(IotopsError):
    """One expression cannot be read or makes no sense.

    Attributes:
        start, end: the offending characters, text[start:end] of the expression.
        code: short name of the fault, as findings show it.
        hint: what to write instead; may be empty.
    """

    def __init__(self, start: int, end: int, code: str, message: str, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.start = start
        self.end = end
        self.code = code
        self.message = message
        self.hint = hint


class IllegalTransition(IotopsError):
    """An action that the incident's state does not allow."""

    def __init__(self, number: str, state: str, action: str, allowed_actions: Sequence[str]) -> None:
        allowed = ", ".join(allowed_actions) or "nothing"
        super().__init__(f"{number} is {state}: {action!r} is not possible now, only {allowed}")
        self.number = number
        self.state = state
        self.action = action
        self.allowed_actions = tuple(allowed_actions)


class NotFound(IotopsError):
    """Nothing has that name."""


class OutOfSight(NotFound):
    """It is there, but another site's: whoever asks is told that it is not."""


class StaleVersion(IotopsError):
    """The thing was changed since the caller read it."""


class Conflict(IotopsError):
    """What is asked contradicts what is stored; the text names what stands in the way."""


class BrokerError(IotopsError):
    """The broker refused us in a way that waiting will not heal (bad credentials, subscription denied)."""


class NotOurSession(BrokerError):
    """The broker gave us the session of another client; nothing was taken from it."""


class StoreError(IotopsError):
    """The database refused a write."""


class NewerSchema(StoreError):
    """The database has a schema that this code does not know; the text says what to start instead."""


class StoreBusy(StoreError):
    """The database is locked, full or gone for now; the same work can be tried again."""


class CommitUnknown(StoreBusy):
    """The commit itself failed: whether it happened must be read from the database before the work is tried again.

    Attributes:
        unit: the `store.database.Unit`; `unit.settle(committed=...)` ends it once the outcome is known.
    """

    def __init__(self, text: str, unit: object) -> None:
        super().__init__(text)
        self.unit = unit


class PoisonRow(StoreError):
    """The database refuses this data whenever it is tried."""


class Overtaken(StoreError):
    """Another process wrote what only we may write; what we hold in memory is not what the database says."""


class DeliveryFailed(IotopsError):
    """A message could not be delivered; the text says why and holds no secret."""


class ApiError(IotopsError):
    """The HTTP API could not be reached, or refused what was asked.

    Attributes:
        status: of the answer, 0 where there was none.
    """

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status

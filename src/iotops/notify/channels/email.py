"""E-mail by SMTP."""

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate
from typing import Annotated, Literal

from pydantic import Field

from iotops.errors import DeliveryFailed
from iotops.notify.channels.settings import ChannelSettings
from iotops.notify.message import Message
from iotops.notify.secrets import Secret

_TIMEOUT_S = 10
_Mailbox = Annotated[str, Field(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$", max_length=254)]


class Email(ChannelSettings):
    """`kind: email`. `security`: `starttls` (demanded, not hoped for), `tls` from the first byte, or `none`."""

    kind: Literal["email"]
    host: str
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: Secret | None = None
    sender: _Mailbox
    to: Annotated[list[_Mailbox], Field(min_length=1, max_length=50)]

    def send(self, message: Message, now_ms: int) -> None:
        """Send a message; its Message-ID is the key, so that a repetition can be told.

        Raises:
            DeliveryFailed: the server cannot be reached, or refuses.
        """
        try:
            with self._connect() as server:
                if self.user is not None and self.password is not None:
                    server.login(self.user, self.password.get_secret_value())
                refused = server.send_message(self._mail(message, now_ms))
        except (smtplib.SMTPException, OSError) as error:
            msg = f"SMTP {self.host}:{self.port}: {type(error).__name__}: {_said(error)}"
            raise DeliveryFailed(msg) from error
        if refused:
            msg = f"SMTP {self.host}:{self.port}: refused for {', '.join(refused)}"
            raise DeliveryFailed(msg)

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self.security == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_TIMEOUT_S, context=context)
        server = smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT_S)
        if self.security == "starttls":
            try:
                server.starttls(context=context)
            except BaseException:
                server.close()
                raise
        return server

    def _mail(self, message: Message, now_ms: int) -> EmailMessage:
        mail = EmailMessage()
        mail["From"], mail["To"] = self.sender, ", ".join(self.to)
        mail["Subject"] = message.subject
        mail["Date"] = formatdate(now_ms / 1000)
        mail["Message-ID"] = f"<{message.key}@{self.sender.rpartition('@')[2]}>"
        mail["X-Iotops-Notification"] = message.key
        mail.set_content(message.text)
        return mail


def _said(error: Exception) -> str:
    """Return what a server said, without what we sent it."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
    return str(error)

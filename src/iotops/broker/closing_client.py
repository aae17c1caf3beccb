"""paho's client, which closes what it opens also where TLS fails."""

import socket
import ssl

import paho.mqtt.client as mqtt


class ClosingClient(mqtt.Client):
    """A client whose socket is closed at once where the certificate is not good."""

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        assert self._ssl_context is not None  # noqa: S101  for the type checker: paho calls this where TLS was set
        wrapped = self._ssl_context.wrap_socket(tcp_sock, server_hostname=self.host, do_handshake_on_connect=False)
        wrapped.settimeout(self.connect_timeout)
        try:
            wrapped.do_handshake()
        except OSError:
            wrapped.close()  # paho's own version leaves it to the garbage collector
            raise
        return wrapped

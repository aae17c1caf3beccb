"""Credentials of devices for mosquitto: who has which, and the files that make the broker heed them.

One directory holds everything: `register.json` (who is enrolled; the truth), `passwords`, `acl` and `crl.pem` (made
from it, for mosquitto), the authority that signs certificates, and what was issued.
"""

"""A whole iotops on loopback: real processes, a real broker, a real database, driven as its users drive it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import paho.mqtt.client as mqtt
import pytest

from iotops.clock import now_ms
from iotops.store import tokens
from iotops.store.database import Database

READY_S = 120  # a limit bounds only how long a failure takes; a busy machine is slow


class Deployment:
    """iotops processes that share a broker, a database and a folder of rules."""

    def __init__(self, folder: Path, broker_url: str, database_url: str, rules: Mapping[str, str], port: int) -> None:
        self.folder = folder
        self.broker_url = broker_url
        self.rules = folder / "rules"
        self.rules.mkdir(parents=True)
        for name, text in rules.items():
            (self.rules / name).write_text(text)
        self.url = f"http://127.0.0.1:{port}"
        self.env = {
            **os.environ,
            "IOTOPS_BROKER__URL": broker_url,
            "IOTOPS_BROKER__CLIENT_ID": f"iotops-ingest-{port}",  # a session of its own on a shared broker
            "IOTOPS_DATABASE__URL": database_url,
            "IOTOPS_API__LISTEN": f"127.0.0.1:{port}",
            "IOTOPS_RULES__DIRECTORY": str(self.rules),
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        with closing(Database.open(database_url)) as database:  # here, which spares two processes
            database.upgrade()
            with database.begin() as unit:
                self.token = tokens.create(unit, "admin", now_ms=now_ms(), name="the test")[1]

    def iotops(self, *arguments: str, status: int = 0) -> str:
        """Run one command to its end and return its standard output."""
        done = subprocess.run(
            [sys.executable, "-m", "iotops", *arguments],
            env=self.env,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, (
            f"iotops {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
        return done.stdout

    def start(self, name: str, **env: str) -> subprocess.Popen[bytes]:
        """Start `ingest`, `api` or `up`; its output goes to a log beside the database."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "iotops", name], env={**self.env, **env}, cwd=self.folder, stdout=log, stderr=log
            )
        self.processes[name] = process
        return process

    def freeze(self, name: str) -> None:
        """Let a process stand still wherever it is: it reads, writes and answers nothing until it is killed."""
        self.processes[name].send_signal(signal.SIGSTOP)

    def kill(self, name: str) -> None:
        """End a process as a power cut would."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait(60)

    def stop(self, name: str) -> int:
        """End a process politely and return its exit status."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(60)

    def stop_all(self) -> None:
        """End everything that still runs."""
        for name in list(self.processes):
            self.kill(name)

    def get(self, path: str, **params: Any) -> Any:
        """GET from the API and return the decoded body."""
        return self.request("GET", path, params=params).json()

    def post(self, path: str, body: Any = None) -> Any:
        """POST to the API and return the decoded body."""
        return self.request("POST", path, json=body or {}).json()

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Call the API; any non-2xx fails the test with its body."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=60, **more)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer

    @property
    def ready(self) -> bool:
        """Tell whether the whole is ready: migrated, rules loaded, subscribed."""
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=20).status_code == 200
        except httpx.HTTPError:
            return False

    def wait_ready(self) -> None:
        """Wait until everything that was started does its work."""
        deadline = time.monotonic() + READY_S
        while not self.ready:
            for name, process in self.processes.items():
                if process.poll() is not None:
                    pytest.fail(f"{name} ended with {process.returncode}: {self.log(name)}")
            if time.monotonic() > deadline:
                answer = httpx.get(f"{self.url}/health/ready", timeout=20).text
                pytest.fail(f"not ready: {answer}\n" + "\n".join(self.log(name) for name in self.processes))
            time.sleep(0.05)

    def log(self, name: str) -> str:
        """Return the end of a process's log."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-4000:]

    def account(self) -> str:
        """Return the ends of all logs, and which processes have ended by themselves."""
        ended = [(name, process.poll()) for name, process in self.processes.items()]
        return "\n".join(
            [f"-- {file.stem}\n{self.log(file.stem)}" for file in sorted(self.folder.glob("*.log"))]
            + [f"{name} has ended by itself with status {status}" for name, status in ended if status is not None]
        )

    def incidents(self, **filters: Any) -> list[dict[str, Any]]:
        """Return every incident, oldest first."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = self.get("/incidents", sort="raised_at", limit=200, **filters, **more)
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found


class Device:
    """A publisher with an own connection that waits for the broker's acknowledgement."""

    def __init__(self, broker_url: str) -> None:
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.connect("127.0.0.1", int(broker_url.rsplit(":", 1)[1]))
        self._client.loop_start()

    def publish(self, topic: str, payload: Any, *, retain: bool = False) -> None:
        """Publish at QoS 1 and return when the broker has acknowledged."""
        raw = payload if isinstance(payload, str | bytes) else json.dumps(payload)
        self._client.publish(topic, raw, qos=1, retain=retain).wait_for_publish(60)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

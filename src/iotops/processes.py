"""Child processes that end when we do, whatever ends us."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1  # linux/prctl.h: the kernel sends this signal to us when our parent dies
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _prepare() -> None:
    # A terminal's Ctrl-C reaches the whole group; the parent alone decides in which order things end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """One child process, by name; stays in our process group and ends when we die.

    Args:
        name: what people call it.
        command: program and arguments.
        env: its whole environment; default: ours.
        output, errors: files to which its standard streams are appended; default: where ours go, and errors where
            output goes.
        cwd: its working directory.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        output: Path | None = None,
        errors: Path | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.command = tuple(command)
        self._env = dict(os.environ if env is None else env)
        self._output = output
        self._errors = errors or output
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; a running one is left alone."""
        if self.running:
            return
        with ExitStack() as files:
            output, errors = (
                None if file is None else files.enter_context(file.open("ab")) for file in (self._output, self._errors)
            )
            self._process = subprocess.Popen(  # noqa: S603  the commands are ours
                self.command,
                env=self._env,
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                preexec_fn=_prepare,  # noqa: PLW1509  signal and prctl only, which are safe between fork and exec
            )

    @property
    def running(self) -> bool:
        """Tell whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Return the process id, None before the first start."""
        return self._process.pid if self._process else None

    @property
    def exit_status(self) -> int | None:
        """Return how the process ended: None while it runs, negative for a signal."""
        return self._process.poll() if self._process else None

    def signal(self, number: int) -> None:
        """Send a signal where the process lives."""
        if self.running and self._process is not None:
            self._process.send_signal(number)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end; return whether it came within the time."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, timeout_s: float = 15) -> None:
        """Ask the process to end (SIGTERM), and end it (SIGKILL) where it does not in time."""
        self.signal(signal.SIGTERM)
        if not self.wait(timeout_s):
            self.signal(signal.SIGKILL)
            self.wait(5)


class Supervisor:
    """Keeps children running: one that ends by itself is started again, later and later.

    Args:
        children: started in order, stopped in reverse order.
        report: called with a line for people whenever a child ended or was started again.
    """

    FIRST_DELAY_S = 0.5
    LONGEST_DELAY_S = 30.0
    HEALTHY_AFTER_S = 60.0  # a child that lived this long starts again at once when it ends

    def __init__(self, children: Sequence[Child], report: "Report") -> None:
        self._children = tuple(children)
        self._report = report
        self._delay_s = dict.fromkeys(self._children, self.FIRST_DELAY_S)
        self._started_s: dict[Child, float] = {}
        self._due_s: dict[Child, float] = {}

    def start(self) -> None:
        """Start every child."""
        for child in self._children:
            self._start(child)

    def watch(self) -> None:
        """Look at every child once; call it a few times a second."""
        now_s = time.monotonic()
        for child in self._children:
            if child.running:
                continue
            if child not in self._due_s:
                if now_s - self._started_s[child] > self.HEALTHY_AFTER_S:
                    self._delay_s[child] = self.FIRST_DELAY_S
                self._due_s[child] = now_s + self._delay_s[child]
                self._report(
                    f"{child.name} ended with status {child.exit_status}; starts again in {self._delay_s[child]:g} s"
                )
                self._delay_s[child] = min(self._delay_s[child] * 2, self.LONGEST_DELAY_S)
            elif now_s >= self._due_s[child]:
                del self._due_s[child]
                self._start(child)

    def stop(self) -> None:
        """Stop every child, the last one first."""
        for child in reversed(self._children):
            child.stop()

    def _start(self, child: Child) -> None:
        child.start()
        self._started_s[child] = time.monotonic()


class Report:
    """Where lines for people go."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream

    def __call__(self, line: str) -> None:
        """Print one line at once."""
        print(line, file=self._stream or sys.stderr, flush=True)


def iotops_command(*arguments: str) -> tuple[str, ...]:
    """Return the command line of another iotops process with this very interpreter."""
    return (sys.executable, "-m", "iotops", *arguments)


def checkout_folder(name: str) -> Path:
    """Return a folder that ships beside the code: in a checkout at its top, in an installed package inside it.

    Raises:
        FileNotFoundError: neither is there.
    """
    package = Path(__file__).resolve().parent
    installed = package / ("library" if name == "rules" else name)
    for folder in (package.parents[1] / name, installed):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(installed)

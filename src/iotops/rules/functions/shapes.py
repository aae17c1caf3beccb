"""The shapes that functions come in, and how a call of each becomes a closure."""

from collections.abc import Callable
from typing import Any, Protocol

from iotops.rules.language.nodes import Call, Node
from iotops.rules.moment import Closure, Moment
from iotops.rules.windows import Frame


class Scope(Protocol):
    """What compiling a call can ask of the compiler."""

    def closure(self, node: Node) -> Closure:
        """Compile a part of the expression."""

    def quantity(self, node: Node) -> Closure:
        """Compile a part that is a number or a duration; a label is read as one."""

    def frame(self, argument: Node) -> Callable[[Moment], Frame | None]:
        """Return how to reach the window of a window function's argument; None at run time while it is stale."""

    def bend(self, node: Node, argument: Closure) -> None:
        """Note that what is compiled runs straight only as long as the argument keeps its sign."""


Build = Callable[[Call, Any], Closure]
"""Turns a call into a closure, given the compiler's scope."""

OverWindow = Callable[..., Any]
"""Window, the instant at which it ends, whether the device's stream has covered it once, further arguments -> value."""


def over_window(function: OverWindow) -> Build:
    """Build calls of a function over a window, which may take further arguments."""

    def build(call: Call, scope: Scope) -> Closure:
        frame_of = scope.frame(call.args[0])
        more = [scope.quantity(argument) for argument in call.args[1:]]

        def read(moment: Moment) -> Any:
            frame = frame_of(moment)
            if frame is None:
                return None
            asof_ms = moment.asof_ms
            covered = frame.covered(asof_ms, moment.device.first_ms)
            return function(frame, asof_ms, covered, *[argument(moment) for argument in more])

        return read

    return build


def of_number(function: Callable[[Any], Any]) -> Build:
    """Build calls of a function of one number, which may bend at zero."""

    def build(call: Call, scope: Scope) -> Closure:
        argument = scope.closure(call.args[0])
        scope.bend(call.args[0], argument)
        return lambda moment: function(argument(moment))

    return build

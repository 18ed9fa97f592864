"""uvicorn's protocol within bounds: headers, waiting time, slow readers, clients that hang up.

`uvicorn --http kernel.web.protocol:BoundedProtocol`, as `hatch run api` and dev do. A wait for
the client has a deadline, and the process's ConnectionGroup ends it.
"""

import asyncio
import math
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kernel.web.client_address import unmapped
from kernel.web.connections import group_of
from kernel.web.early_answer import early_answer
from kernel.web.transport import JoiningTransport

# A client that is answered before it has sent everything may go on for so long and so much, to
# find the answer; a connection closed at once would be reset under its hands.
LINGER_SECONDS = 5.0
LINGER_BYTES = 32 * 1024 * 1024
MAX_PIPELINED = 16  # requests that wait behind the one that is answered
# On the wire a body in chunks of one byte takes six times its size.
CHUNKED_OVERHEAD = 8

BETWEEN, HEAD, BODY = "between requests", "in a head", "in a body"
OVERLOADED = "Too many connections; try again shortly."


class _Refused(Exception):
    """Ends the parser's work inside one of its callbacks."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Names without an underscore that aren't ours are uvicorn's."""

    parser: Any  # None once the connection is lost

    def __init__(self, config: Any, server_state: Any, *arguments: Any, **more: Any) -> None:
        super().__init__(config, server_state, *arguments, **more)
        self.group = group_of(server_state, config.loaded_app, self.loop)
        self._bounds = self.group.settings
        self._max_body = self.group.http.max_body_bytes * CHUNKED_OVERHEAD
        self.deadline = math.inf
        self.url = b""
        self._stage = BETWEEN
        self._timed: str | None = None  # the stage that the deadline is for
        self._chunk = self._received = 0  # bytes, of this event and of this stage
        self._refusal: tuple[int, str] | None = None
        self._deaf = False  # whether what comes is thrown away
        self.closing = False  # or closed already
        self._running: tuple[Any, asyncio.Task[None]] | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(JoiningTransport(transport, self))  # type: ignore[arg-type]
        if self.client is not None:
            self.client = (unmapped(self.client[0]), self.client[1])
        self.deadline = self.loop.time() + self._bounds.header_timeout
        if not self.group.admit(self):
            # Closed at once, a client that is sending its request would see a reset, no answer.
            self._stage = HEAD if self.group.may_linger() else BETWEEN
            self._refuse(503, OVERLOADED)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closing = True
        super().connection_lost(exc)
        self.group.discard(self)
        if self._running is not None:
            cycle, task = self._running
            if not cycle.response_complete:
                cycle.disconnected = True
                self.group.abandon(task, cycle)

    def data_received(self, data: bytes) -> None:
        self._chunk = len(data)
        self._received += self._chunk
        if self._deaf:
            if self._received > LINGER_BYTES:
                self.transport.abort()
            return
        super().data_received(data)
        if self._stage is not BETWEEN and not self._deaf:
            self._watch()

    def _watch(self) -> None:
        """Bound what the client has begun to send, and time it."""
        if self._stage is HEAD and self._received > self._bounds.max_header_bytes:
            self._refuse(431, "The headers are too large.")
        elif self._stage is BODY and self._received > self._max_body:
            self._refuse(413, "The body is too large.")
        elif self._timed is not self._stage:
            self._timed, bounds = self._stage, self._bounds
            seconds = bounds.header_timeout if self._stage is HEAD else bounds.body_timeout
            self.deadline = self.loop.time() + seconds

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._stage, self._timed, self._received = HEAD, None, self._chunk

    def on_headers_complete(self) -> None:
        bounds, headers = self._bounds, self.headers
        if len(headers) > bounds.max_headers:
            self._refuse_in_parser(431, f"More than {bounds.max_headers} headers.")
        if self._received > bounds.max_header_bytes:  # perhaps with a part of the body
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in headers)
            if size > bounds.max_header_bytes:
                self._refuse_in_parser(431, "The headers are too large.")
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refuse_in_parser(400, "Too many requests at once on one connection.")
        super().on_headers_complete()
        if not self.parser.should_upgrade():
            self.headers = []  # of trailers, behind the body, which are no headers
        self._stage, self._received = BODY, self._chunk

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._stage, self.deadline = BETWEEN, math.inf
        if self.cycle and self.cycle.response_complete:
            self.deadline = self.loop.time() + self._bounds.idle_timeout

    def on_response_complete(self) -> None:
        # As uvicorn does it, with the deadline in place of a timer for each request.
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._stage is BETWEEN:
            self.deadline = self.loop.time() + self._bounds.idle_timeout

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)
        self._running = cycle, task

    def handle_websocket_upgrade(self) -> None:
        self._stage, self.deadline = BETWEEN, math.inf
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.group.wait_for_reader(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        self.group.stop_waiting(self)

    def expire(self) -> None:
        """The deadline is over: tell the client, or close the connection."""
        if self.closing and self.flow.write_paused:
            # The group looks whether the client reads on.
            self.deadline = self.loop.time() + self._bounds.write_timeout
        elif self.closing:
            self.transport.abort()
        elif self._stage is BETWEEN:
            self.transport.close()
        elif self._stage is BODY and self.cycle.response_complete:
            self.transport.abort()  # it has its answer, and goes on sending
        elif self._stage is BODY and self.flow.read_paused:
            # It is the application that doesn't read on.
            self.deadline = self.loop.time() + self._bounds.body_timeout
        else:
            self._refuse(408, f"The request wasn't complete in time: it ended {self._stage}.")

    def send_400_response(self, msg: str) -> None:
        self._refuse(*(self._refusal or (400, msg)))

    def _refuse_in_parser(self, status: int, detail: str) -> None:
        self._refusal = status, detail
        raise _Refused

    def _refuse(self, status: int, detail: str) -> None:
        """Answer what isn't a request, and close; behind the answers that are still owed."""
        self._deaf, self._received = True, 0
        cycle = self.cycle
        owed = bool(cycle) and not cycle.response_complete
        if owed and self._stage is not BODY:
            cycle.keep_alive, self.deadline = False, math.inf
            self.flow.pause_reading()
            return
        if owed:
            cycle.disconnected = True
            cycle.message_event.set()
        if self._stage is BODY and (not owed or cycle.response_started or self.pipeline):
            (self.transport.abort if owed else self.transport.close)()
            return
        self.transport.write(early_answer(status, detail, self.url, self.client))
        self.transport.close()

    def begin_closing(self) -> bool:
        """Whether to close at once. Else the client may send the rest, which is thrown away."""
        if self.closing:
            return True
        self.closing = True
        unfinished = self._stage is not BETWEEN and self.transport.can_write_eof()
        seconds = LINGER_SECONDS if unfinished else self._bounds.write_timeout
        self.deadline = self.loop.time() + seconds
        if unfinished:
            self._deaf, self._received = True, 0
            self.transport.write_eof()
            self.flow.resume_reading()
        return not unfinished

"""An engine in a process of its own that does what the message says: dies in the middle of its stream, is slow, or wrong.

``python -m tests.chaos.odd_engine 127.0.0.1:PORT``. Must not import the service, but the code made of its proto.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from assistant.engine.grpc_gen import engine_pb2, engine_pb2_grpc

LATE_S = 60.0
WRONG = {
    "wrong content": {"response_content": ['{"type": "no such type"}']},
    "wrong json": {"response_content": ["{"]},
    "wrong memory": {"response_content": ['{"type": "text", "text": "Yes"}'], "updated_context_json": "[1"},
}


class OddEngine(engine_pb2_grpc.MCPEngineServicer):
    def ProcessMessage(self, request: Any, context: Any) -> Any:
        return self._answer(request)

    def StreamMessage(self, request: Any, context: Any) -> Iterator[Any]:
        yield engine_pb2.MessageChunk(delta="I begin")
        yield engine_pb2.MessageChunk(response=self._answer(request))

    def _answer(self, request: Any) -> Any:
        said = json.loads(request.message_content[-1])["text"]
        if said == "die":
            time.sleep(0.3)  # the first word is on its way
            os.kill(os.getpid(), signal.SIGKILL)
        if said == "slow":
            time.sleep(LATE_S)
        told = WRONG.get(said) or {"response_content": [json.dumps({"type": "text", "text": f"You said {said}"})]}
        return engine_pb2.ProcessMessageResponse(confidence=1.0, engine="odd", **told)


if __name__ == "__main__":
    server = grpc.server(ThreadPoolExecutor(8))
    engine_pb2_grpc.add_MCPEngineServicer_to_server(OddEngine(), server)
    server.add_insecure_port(sys.argv[1])
    server.start()
    server.wait_for_termination()

"""An engine that speaks on its own: it answers, and where the person then says nothing for a minute, it asks once more.

    python reminder.py 127.0.0.1:50051 127.0.0.1:50053 csk_… [seconds]

Where it listens, where `manage.py run_engine_port` does, an API key with `engine:speak`, and how long is quiet. The code beside
it (`engine_pb2`) is generated from engine.proto, see docs/engine.md; here it lies in the service's own folder.
"""

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc

from assistant.engine.grpc_gen import engine_pb2, engine_pb2_grpc

LISTEN, PORT, KEY = sys.argv[1:4]
QUIET_S = float(sys.argv[4]) if len(sys.argv) > 4 else 60.0
TRANSIENT = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED)
TRIES = 5

service = engine_pb2_grpc.EnginePortStub(grpc.insecure_channel(PORT))  # over a network: grpc.secure_channel
timers: dict[str, threading.Timer] = {}  # of conversations in which the person was answered last
lock = threading.Lock()


def remind(conversation_id: str, epoch: int, about: str, tries: int = TRIES) -> None:
    """The id names what the reminder is about: however often this is tried, the person gets it once."""
    push = engine_pb2.PushRequest(
        conversation_id=conversation_id,
        control_epoch=epoch,
        message_id=f"reminder:{about}",
        content=json.dumps({"type": "text", "text": "Are you still there? I am happy to go on."}),
    )
    try:
        service.Push(push, timeout=10, metadata=[("authorization", f"Bearer {KEY}")])
    except grpc.RpcError as error:
        if error.code() in TRANSIENT and tries > 1:
            later(conversation_id, epoch, about, tries - 1)
        else:  # a human has control, the conversation is over, the window is closed: there is nothing to remind of
            print(f"not said: {error.details()}", flush=True)


def later(conversation_id: str, epoch: int, about: str, tries: int = TRIES) -> None:
    timer = threading.Timer(QUIET_S, remind, (conversation_id, epoch, about, tries))
    timer.daemon = True
    with lock:
        timers[conversation_id] = timer
    timer.start()


class Engine(engine_pb2_grpc.MCPEngineServicer):
    def ProcessMessage(self, request, context):
        with lock:
            waiting = timers.pop(request.conversation_id, None)
        if waiting:
            waiting.cancel()  # the person has written
        later(request.conversation_id, request.control_epoch, request.message_ids[-1])
        answer = {"type": "text", "text": "How can I help you?"}
        return engine_pb2.ProcessMessageResponse(response_content=[json.dumps(answer)], engine="reminder")


server = grpc.server(ThreadPoolExecutor(8))
engine_pb2_grpc.add_MCPEngineServicer_to_server(Engine(), server)
print(server.add_insecure_port(LISTEN), flush=True)
server.start()
server.wait_for_termination()

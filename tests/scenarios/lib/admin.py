"""An operator's calls straight over the node's local socket: what the command line does, without a process for each."""
import json
import socket


class Refused(Exception):
    """The node answered, and said no."""


def ask(node, operation, **arguments):
    """The operation's result. Refused; OSError where no whole answer came."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
        wire.settimeout(30)
        wire.connect(str(node.data / "admin.sock"))
        wire.sendall(json.dumps({"operation": operation, "arguments": arguments}).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            got = wire.recv(1 << 20)
            if not got:
                raise ConnectionError("the node hung up before its answer")
            answer += got
    said = json.loads(answer)
    if "error" in said:
        raise Refused(said["error"]["what"])
    return said["result"]

"""A node that is watched: it has a listener for metrics."""
import http.client

from harness import free_port
from letterlock import Letterlock


class Watched(Letterlock):
    """A node that also answers at a port for metrics, and is told by its service manager to feed the watchdog."""

    def __init__(self, stage, authority, **more):
        self.metrics_port = free_port()
        super().__init__(stage, authority, **more)

    def config_text(self):
        return super().config_text() + f'[[listener]]\nkind = "metrics"\naddress = "127.0.0.1:{self.metrics_port}"\n'

    def ask(self, path, method="GET"):
        """Status and body; (0, "") if nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=5)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def figures(self):
        """{'name{label="x"}': value} of all."""
        found = {}
        for line in self.ask("/metrics")[1].splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                found[name] = float(value)
        return found

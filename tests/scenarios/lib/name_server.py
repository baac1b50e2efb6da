"""NSD on a loopback port, with zones given as text."""
from harness import PEERS, free_port, run, wait_for


class Nsd:
    def __init__(self, stage, zones):
        """`zones`: {"example": "modern MX 10 mx.modern\\n…"}; SOA and NS are added."""
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        lines = ["server:", f"  ip-address: 127.0.0.1@{self.port}", '  username: ""', '  chroot: ""', '  database: ""',
                 "  server-count: 1", "  hide-version: yes"]
        for key in ("pidfile", "xfrdfile", "zonelistfile"):
            lines.append(f'  {key}: "{stage.path(f"nsd/{key}")}"')
        lines.append(f'  zonesdir: "{stage.path("nsd")}"')
        lines += ["remote-control:", "  control-enable: no"]
        for zone, text in zones.items():
            stage.path(f"nsd/{zone}.zone", f"$ORIGIN {zone}.\n$TTL 5\n@ SOA ns hostmaster 1 3600 600 86400 5\n@ NS ns\n"
                                           f"ns A 127.0.0.1\n{text}\n")
            lines += ["zone:", f"  name: {zone}", f"  zonefile: {zone}.zone"]
        config = stage.path("nsd/nsd.conf", "\n".join(lines) + "\n")
        status, out, err = run([PEERS / "usr/sbin/nsd-checkconf", config])
        if status:
            raise RuntimeError(f"NSD's configuration: {out}{err}")
        self.process = stage.start("nsd", [PEERS / "usr/sbin/nsd", "-d", "-c", config])
        if not wait_for(10, lambda: "nsd started" in self.process.log.read_text() or self.process.poll() is not None) \
                or self.process.poll() is not None:
            raise RuntimeError("NSD doesn't start: " + self.process.log.read_text())

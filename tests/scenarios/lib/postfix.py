"""Postfix as it was unpacked into .peers, on loopback addresses, with a configuration and a queue of its own.

It needs root (its own way of keeping users apart). It looks nothing up in DNS: where mail goes is said by a table.
"""
import os
import pwd
import re
import shutil

from harness import PEERS, can_connect, run, wait_for

LIBRARIES = PEERS / "usr/lib/postfix"
OWNER, GROUP, READER = "daemon", "mail", "nobody"
QUEUES = "incoming active deferred bounce defer flush hold saved trace corrupt".split()
MASTER = """
{listen} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsproxy unix - - n - 0 tlsproxy
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    def __init__(self, stage, name, host, address, port, domains=None, settings=None):
        """`domains`: {"modern.example": ["bob", …]}; their mail goes to Maildirs, read with messages()."""
        if os.geteuid() != 0:
            raise RuntimeError("Postfix can only be started by root")
        self.stage, self.name, self.address, self.port = stage, name, address, port
        self.base = stage.path(f"{name}")
        self.maillog = stage.path(f"{name}/maillog", "")
        stage.watch(self.maillog)
        self.make_folders()
        self.write_config(host, domains or {}, settings or {})
        self.process = self.start()

    def start(self):
        process = self.stage.start(self.name, [LIBRARIES / "sbin/master", "-d", "-c", self.base / "etc"],
                                   env=self.environment(), own_group=True)
        if not wait_for(15, lambda: can_connect(self.address, self.port) or process.poll() is not None) \
                or process.poll() is not None:
            raise RuntimeError(f"{self.name} doesn't start: {process.log.read_text()} {self.log()}")
        return process

    def environment(self):
        return {"LD_LIBRARY_PATH": str(LIBRARIES), "MAIL_CONFIG": str(self.base / "etc")}

    def make_folders(self):
        def made(path, owner, group=0, mode=0o700):
            path.mkdir(parents=True, exist_ok=True)
            shutil.chown(path, owner, group)
            path.chmod(mode)

        (self.base / "etc").mkdir(parents=True)
        made(self.base / "data", OWNER)
        made(self.base / "mail", READER)
        made(self.base / "queue", 0, mode=0o755)
        for queue in QUEUES + ["private"]:
            made(self.base / "queue" / queue, OWNER)
        made(self.base / "queue/pid", 0, mode=0o755)
        made(self.base / "queue/maildrop", OWNER, GROUP, 0o730)
        made(self.base / "queue/public", OWNER, GROUP, 0o710)

    def write_config(self, host, domains, settings):
        reader = pwd.getpwnam(READER)
        boxes = self.stage.path(f"{self.name}/etc/boxes", "".join(
            f"{user}@{domain} {domain}/{user}/\n" for domain, users in domains.items() for user in users))
        main = {
            "compatibility_level": "3.6", "queue_directory": self.base / "queue", "data_directory": self.base / "data",
            "daemon_directory": LIBRARIES / "sbin", "command_directory": PEERS / "usr/sbin", "shlib_directory": LIBRARIES,
            "meta_directory": self.base / "etc", "mail_owner": OWNER, "setgid_group": GROUP, "default_privs": READER,
            "import_environment": "LD_LIBRARY_PATH MAIL_CONFIG TZ=UTC", "export_environment": "LD_LIBRARY_PATH MAIL_CONFIG TZ",
            "maillog_file": self.maillog, "maillog_file_prefixes": self.stage.folder, "myhostname": host, "mydomain": host,
            "myorigin": host, "mydestination": "", "mynetworks": "127.0.0.0/8", "inet_interfaces": "loopback-only",
            "inet_protocols": "ipv4", "smtpd_peername_lookup": "no", "disable_dns_lookups": "yes",
            "smtp_host_lookup": "native", "smtp_dns_support_level": "disabled", "smtpd_client_connection_count_limit": "0",
            "default_database_type": "texthash", "alias_maps": "", "alias_database": "", "local_recipient_maps": "",
            "virtual_mailbox_domains": " ".join(domains), "virtual_mailbox_base": self.base / "mail",
            "virtual_mailbox_maps": f"texthash:{boxes}", "virtual_uid_maps": f"static:{reader.pw_uid}",
            "virtual_gid_maps": f"static:{reader.pw_gid}", "virtual_minimum_uid": "1", "virtual_mailbox_limit": "0",
            "message_size_limit": str(64 << 20), "smtpd_delay_reject": "yes", "notify_classes": "", "biff": "no",
            "smtpd_tls_loglevel": "1", "smtp_tls_loglevel": "1", "smtpd_relay_restrictions":
            "permit_mynetworks, reject_unauth_destination", "queue_run_delay": "2s", "minimal_backoff_time": "2s",
            "maximal_backoff_time": "4s", "smtpd_discard_ehlo_keywords": "", **settings}
        self.stage.path(f"{self.name}/etc/main.cf", "".join(f"{key} = {value}\n" for key, value in main.items()))
        self.stage.path(f"{self.name}/etc/master.cf", MASTER.format(listen=f"{self.address}:{self.port}").lstrip())
        self.stage.path(f"{self.name}/etc/dynamicmaps.cf", "")
        self.stage.path(f"{self.name}/etc/postfix-files", "")

    def log(self):
        return self.maillog.read_text(errors="replace")

    def messages(self, address):
        """What lies in the Maildir of an address, as bytes, oldest first."""
        user, domain = address.split("@")
        folder = self.base / "mail" / domain / user / "new"
        found = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime) if folder.is_dir() else []
        return [path.read_bytes() for path in found]

    def wait_for_messages(self, address, count=1, seconds=15):
        wait_for(seconds, lambda: len(self.messages(address)) >= count)
        return self.messages(address)

    def queued(self):
        return sum(len([path for path in (self.base / "queue" / queue).rglob("*") if path.is_file()])
                   for queue in ("incoming", "active", "deferred", "maildrop"))

    def logged(self, pattern, seconds=10):
        return wait_for(seconds, lambda: re.search(pattern, self.log()))

    def flush(self):
        return run([PEERS / "usr/sbin/postqueue", "-c", self.base / "etc", "-f"], env=self.environment())

"""A CA for the test and certificates from it, made with the openssl command."""
import subprocess


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, text=True)


class Authority:
    def __init__(self, stage, name="ca"):
        self.stage = stage
        self.key = stage.path(f"certificates/{name}.key")
        self.file = stage.path(f"certificates/{name}.pem")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "7", "-subj",
                f"/CN=test authority {name}", "-keyout", self.key, "-out", self.file)

    def issue(self, *names, file=None, days=60):
        """Chain and key for these host names; written over what was there under the same `file`."""
        stem = file or names[0]
        key, request, chain = (self.stage.path(f"certificates/{stem}.{end}") for end in ("key", "csr", "pem"))
        extensions = self.stage.path(f"certificates/{stem}.ext",
                                     "subjectAltName=" + ",".join(f"DNS:{name}" for name in names) + "\n")
        new_key, new_chain = key.with_suffix(".key.new"), chain.with_suffix(".pem.new")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={names[0]}",
                "-keyout", new_key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key, "-CAcreateserial", "-days", days,
                "-extfile", extensions, "-out", new_chain)
        new_key.chmod(0o644)  # readable for the server after it left root; the key is worth nothing
        new_key.rename(key)
        new_chain.rename(chain)
        return chain, key

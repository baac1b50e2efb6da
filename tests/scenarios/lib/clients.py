"""Submitting and fetching with Python's own clients, in the few forms that scenarios need."""
import poplib
import smtplib
import ssl

from harness import wait_for
from letterlock import PASSWORD


def trusting(authority):
    return ssl.create_default_context(cafile=str(authority.file))


def looking_away():
    """For peers that are reached by address, or whose name isn't the point."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def text(sender, recipients, subject="a letter", body="Dear reader.\r\n", more=""):
    return (f"From: {sender}\r\nTo: {', '.join(recipients)}\r\nSubject: {subject}\r\n{more}"
            f"\r\n{body}").encode("utf-8")


def submitter(node, user, kind="submissions"):
    """A signed-in session on 465 or 587."""
    if kind == "submissions":
        client = smtplib.SMTP_SSL("127.0.0.1", node.ports[kind], context=looking_away(), timeout=30)
    else:
        client = smtplib.SMTP("127.0.0.1", node.ports[kind], timeout=30)
        client.starttls(context=looking_away())
    client.login(user, PASSWORD)
    return client


def give(client, sender, recipients, content):
    """MAIL, RCPT, DATA; the reply after DATA as (code, text)."""
    client.ehlo_or_helo_if_needed()
    code, said = client.mail(sender)
    if code != 250:
        return code, said.decode(errors="replace")
    for recipient in recipients:
        code, said = client.rcpt(recipient)
        if code not in (250, 251):
            client.rset()
            return code, said.decode(errors="replace")
    code, said = client.data(content)
    return code, said.decode(errors="replace")


def submit(node, sender, recipients, subject="a letter", body="Dear reader.\r\n", more="", kind="submissions"):
    """One message by one of the node's accounts: code and text of the reply after DATA."""
    client = submitter(node, sender, kind)
    try:
        return give(client, sender, recipients, text(sender, recipients, subject, body, more))
    finally:
        client.close()


def mailbox(node, user, secure=True):
    if secure:
        client = poplib.POP3_SSL("127.0.0.1", node.ports["pop3s"], context=looking_away(), timeout=30)
    else:
        client = poplib.POP3("127.0.0.1", node.ports["pop3"], timeout=30)
    client.user(user)
    client.pass_(PASSWORD)
    return client


def fetch_all(node, user, remove=False):
    """Every message of a mailbox as bytes, over 995."""
    client = mailbox(node, user)
    found = []
    for number in range(1, len(client.list()[1]) + 1):
        found.append(b"\r\n".join(client.retr(number)[1]) + b"\r\n")
        if remove:
            client.dele(number)
    client.quit()
    return found


def wait_for_mail(node, user, count=1, seconds=15, remove=False):
    """Until there are so many; gives back what there is."""
    def enough():
        client = mailbox(node, user)
        there = client.stat()[0]
        client.quit()
        return there >= count

    wait_for(seconds, enough, step=0.2)
    return fetch_all(node, user, remove)

"""Octets of an SMTP session, made from a seed: what an odd, careless or hostile client might send.

A stream is a list of segments. The client writes one, waits until the server has said something, and writes the next; so each
server sees the same octets at the same points of the conversation, and one that answers oddly can be compared reply by reply.
Every stream ends with a plain transaction, so that what went before it has to be survived, and each has one family of oddities.
"""
import random

BOB, CAROL = b"bob@acorn.example", b"carol@acorn.example"
EVE = b"eve@other.example"
CRLF = b"\r\n"
END = b"\r\n.\r\n"
SMUGGLED = b"MAIL FROM:<boss@acorn.example>\r\nRCPT TO:<bob@acorn.example>\r\nDATA\r\nSubject: smuggled\r\n\r\nsmuggled\r\n.\r\n"
ENDINGS = [b"\n.\n", b"\r.\r", b"\r.\n", b"\n.\r", b"\n.\r\n", b"\r\n.\n", b"\r.\r\n", b"\r\n.\r", b"\r\n\0.\r\n", b"\r\n.\0\r\n",
           b"\r\n..\r\n", b"\r\n. \r\n", b"\r\n .\r\n", b"\r\r\n.\r\n", b"\r\n.\r\r\n", b"\n\n.\n", b"\r\n.\n\r\n", b"\0\r\n.\r\n\0",
           b"\n\r\n.\r\n", b"\r\n\x1a.\r\n"]


class Stream:
    def __init__(self, family, seed):
        self.family, self.seed = family, seed
        self.dice = random.Random(f"{family}:{seed}")
        self.segments = []  # (octets, replies expected; 0: content, whose end is answered)
        FAMILIES[family](self)

    @property
    def name(self):
        return f"{self.family}:{self.seed}"

    def say(self, *lines):
        """Lines that are answered one by one."""
        self.segments += [(line + CRLF, 1) for line in lines]

    def content(self, octets):
        self.segments.append((octets, 0))

    def group(self, lines):
        self.segments.append((CRLF.join(lines) + CRLF, len(lines)))

    def parts(self):
        return list(self.segments)

    def octets(self):
        return b"".join(octets for octets, _ in self.segments)

    def hello(self):
        self.say(b"EHLO client.example")

    def letter(self, mark=b"plain", content=None):
        self.say(b"MAIL FROM:<" + EVE + b">", b"RCPT TO:<" + BOB + b">", b"DATA")
        self.content((content or b"Subject: " + mark + b"\r\n\r\nhello") + END)

    def goodbye(self):
        self.say(b"RSET")
        self.letter(b"the last")
        self.say(b"QUIT")

    def pick(self, *choices):
        return self.dice.choice(choices)

    def some(self, choices, most):
        return [self.dice.choice(choices) for _ in range(self.dice.randint(1, most))]


def hello(stream):
    name = stream.pick(b"client.example", b"[192.0.2.1]", b"[IPv6:2001:db8::1]", b"localhost", b"under_score.example", b"", b"a b",
                       b"-dash", b"a..b", b".", b"*", b"client.example ", b"x" * 255, b"x" * 256, b"x" * 600, b"\xc3\xa4.example",
                       b"<script>", b"a@b", b"[1.2.3.4", b"client.example\t", b"(comment)", b"\"quoted\"", b"1.2.3.4", b"[]", b"a,b")
    verb = stream.pick(b"EHLO", b"HELO", b"ehlo", b"HeLo", b" EHLO", b"EHLO ", b"EHLO\t")
    stream.say(verb + b" " + name)
    if stream.dice.random() < 0.3:
        stream.say(stream.pick(b"EHLO again.example", b"HELO again.example"))
    stream.hello()
    stream.goodbye()


LOCAL_PARTS = [b"eve", b"EVE", b"a.b", b".a", b"a.", b"a..b", b"\"a b\"", b"\"a\\\"b\"", b"\"\"", b"\"a@b\"", b"a+b", b"a%b", b"a!b", b"a/b", b"|a",
               b"a=b", b"#1", b"a b", b"a,b", b"a;b", b"a:b", b"<a", b"a\\b", b"x" * 64, b"x" * 65, b"x" * 200, b"\xc3\xa4", b"\xff",
               b"\"\xc3\xa4\"", b"'a'", b"`a`", b"$(a)", b"-a", b"\"a\tb\"", b"a\"b\"", b"\"a\".b", b"(c)a"]
DOMAINS = [b"other.example", b"OTHER.example", b"other.example.", b"other..example", b".example", b"-other.example", b"under_score.example",
           b"[192.0.2.1]", b"[IPv6:2001:db8::1]", b"[]", b"[192.0.2]", b"[x:y]", b"192.0.2.1", b"x" * 63 + b".example", b"x" * 64 + b".example",
           b"\xc3\xa4.example", b"xn--4ca.example", b"localhost", b"other", b"ot her.example", b"other.example>", b"a@b", b"(c)other.example",
           b".".join([b"x" * 60] * 4) + b".example", b".".join([b"x" * 60] * 5) + b".example", b"other-.example"]
WRAPS = [b"<%s>"] * 6 + [b"%s", b"< %s >", b" <%s>", b"<%s", b"%s>", b"<<%s>>", b"<@a.example:%s>", b"<@a.example,@b.example:%s>", b"<@:%s>",
                         b"<%s>x", b"<%s> ", b"Eve <%s>", b"\"%s\"", b"<%s>,<x@y.example>", b"(c)<%s>", b"<%s>(c)"]


def some_path(stream, locals_, domains):
    odd = stream.pick("local", "domain", "wrap", "both")
    local = stream.pick(*LOCAL_PARTS) if odd in ("local", "both") else stream.pick(*locals_)
    domain = stream.pick(*DOMAINS) if odd in ("domain", "both") else stream.pick(*domains)
    wrap = stream.pick(*WRAPS) if odd in ("wrap", "both") else b"<%s>"
    return wrap % (local + stream.pick(*([b"@"] * 12 + [b"", b"@@", b" @ "])) + domain)


def mail_path(stream):
    stream.hello()
    whole = stream.pick(b"", b"<>", b"<@>", b"< >", b"<\"\"@>", b"<eve>", b"<postmaster>", b"<;>")
    path = whole if stream.dice.random() < 0.15 else some_path(stream, [b"eve"], [b"other.example"])
    stream.say(stream.pick(b"MAIL FROM:", b"MAIL FROM:", b"mail from:", b"MAIL FROM: ", b"MAIL  FROM:", b"MAIL FROM :", b"MAIL FROM", b"MAILFROM:",
                           b"MAIL TO:") + path)
    stream.say(b"RCPT TO:<" + BOB + b">", b"RSET")
    stream.goodbye()


def rcpt_path(stream):
    stream.hello()
    stream.say(b"MAIL FROM:<" + EVE + b">")
    for _ in range(stream.dice.randint(1, 3)):
        whole = stream.pick(b"", b"<>", b"<postmaster>", b"<bob>", b"<Postmaster@acorn.example>", b"<BOB@ACORN.EXAMPLE>", b"<bob@acorn.example.>",
                            b"<\"bob\"@acorn.example>", b"<nobody@acorn.example>", b"<bob%other.example@acorn.example>", b"<other.example!bob>",
                            b"<@acorn.example:bob@other.example>", b"<@other.example:bob@acorn.example>", b"<bob@[127.0.0.1]>",
                            b"<bob@mx.acorn.example>", b"<\"bob@other.example\"@acorn.example>", b"<bob@acorn.example@other.example>")
        path = whole if stream.dice.random() < 0.5 else some_path(stream, [b"bob", b"carol"], [b"acorn.example"])
        stream.say(stream.pick(b"RCPT TO:", b"RCPT TO:", b"rcpt to:", b"RCPT TO: ", b"RCPT TO :", b"RCPT TO", b"RCPT FROM:") + path)
    stream.say(b"RSET")
    stream.goodbye()


MAIL_PARAMETERS = [b"SIZE=100", b"SIZE=", b"SIZE=abc", b"SIZE=99999999999999999999999", b"SIZE=0", b"SIZE=-1", b"SIZE", b"SIZE=70000000", b"size=100",
                   b"BODY=8BITMIME", b"BODY=7BIT", b"BODY=BINARYMIME", b"BODY=", b"body=8bitmime", b"BODY=x", b"SMTPUTF8", b"SMTPUTF8=yes",
                   b"RET=FULL", b"RET=HDRS", b"RET=x", b"ENVID=abc", b"ENVID=a+2Bb", b"ENVID=+", b"ENVID=" + b"x" * 101, b"AUTH=<>", b"AUTH=eve",
                   b"AUTH=e+3Dmc2@example.com", b"X-UNKNOWN=1", b"=1", b"A=B=C", b"SIZE=1 SIZE=2", b"RET=FULL RET=FULL", b"FOO", b"\xc3\xa4=1",
                   b"BODY=8BITMIME BODY=7BIT", b"REQUIRETLS", b"MT-PRIORITY=3", b"BY=1;R", b"ENVID=a ENVID=b", b"SIZE=1\tBODY=7BIT"]
RCPT_PARAMETERS = [b"NOTIFY=NEVER", b"NOTIFY=SUCCESS,FAILURE,DELAY", b"NOTIFY=SUCCESS,NEVER", b"NOTIFY=", b"NOTIFY=x", b"notify=never",
                   b"ORCPT=rfc822;bob@acorn.example", b"ORCPT=bob", b"ORCPT=rfc822;a+2Bb@x.example", b"ORCPT=rfc822;", b"ORCPT=;bob", b"ORCPT=rfc822;+",
                   b"NOTIFY=NEVER NOTIFY=NEVER", b"FOO=1", b"SIZE=1", b"NOTIFY=SUCCESS,SUCCESS", b"ORCPT=x400;/o=a/", b"=", b"NOTIFY=SUCCESS,",
                   b"ORCPT=rfc822;a ORCPT=rfc822;b", b"ORCPT=utf-8;b\xc3\xb6b@x.example", b"ORCPT=rfc822;" + b"x" * 500]


def parameters(stream):
    stream.hello()
    gap = stream.pick(b" ", b" ", b" ", b"  ", b"", b"\t")
    if stream.dice.random() < 0.6:
        stream.say(b"MAIL FROM:<" + EVE + b">" + gap + gap.join(stream.some(MAIL_PARAMETERS, 3)), b"RCPT TO:<" + BOB + b">")
    else:
        stream.say(b"MAIL FROM:<" + EVE + b">", b"RCPT TO:<" + BOB + b">" + gap + gap.join(stream.some(RCPT_PARAMETERS, 3)))
    stream.goodbye()


COMMANDS = [b"EHLO client.example", b"HELO client.example", b"MAIL FROM:<eve@other.example>", b"RCPT TO:<bob@acorn.example>",
            b"RCPT TO:<carol@acorn.example>", b"RCPT TO:<nobody@acorn.example>", b"RCPT TO:<dora@birch.example>", b"RSET", b"NOOP", b"NOOP x y",
            b"RSET x", b"VRFY bob", b"EXPN list", b"HELP", b"DATA x", b"BDAT 0", b"TURN", b"ETRN x", b"AUTH PLAIN", b"XCLIENT ADDR=1.2.3.4",
            b"rset", b"Noop", b"FOO", b"", b" ", b"NOOP ", b" NOOP", b"SEND FROM:<a@b.example>", b"QUIT x", b"HELP me", b"VRFY", b"STARTTLS x"]


def order(stream):
    if stream.dice.random() < 0.7:
        stream.hello()
    for command in stream.some(COMMANDS, 8):
        stream.say(command)
    if stream.dice.random() < 0.4:
        stream.say(b"EHLO client.example")
        stream.say(b"MAIL FROM:<eve@other.example>", stream.pick(b"DATA", b"BDAT 0 LAST", b"MAIL FROM:<x@other.example>", b"EHLO client.example"))
        if stream.segments[-1][0] == b"DATA\r\n":
            stream.content(b".\r\n")  # a command where nobody was to get the message, a whole content otherwise
    stream.hello()
    stream.goodbye()


HEADERS = [b"Subject: x\r\n", b"From: a@b.example\r\n", b"Subject: a\r\n folded\r\n", b"Subject : spaced\r\n", b"Subject:\r\n", b"not a header\r\n",
           b"Return-Path: <forged@x.example>\r\n", b"Bcc: secret@x.example\r\n", b"Received: from x by y; Mon, 23 Nov 2026 03:12:44 +0000\r\n",
           b" begins folded\r\n", b"\tx: y\r\n", b": nameless\r\n", b"X-Long: " + b"y" * 1200 + b"\r\n", b"To: \xc3\xa4@x.example\r\n", b"X-Eight: \xff\r\n",
           b"Content-Length: 3\r\n", b"From bob Mon Nov 23 03:12:44 2026\r\n", b">From me\r\n", b"Date: nonsense\r\n", b"Message-ID: <a@b>\r\n",
           b"Resent-Bcc: a@b.example\r\n", b"Delivered-To: bob@acorn.example\r\n", b"Status: RO\r\n", b"X-A: b\r\n \r\n c\r\n"]
NO_FIELDS_ON_TOP = [b" begins folded\r\n", b"\tx: y\r\n", b"From bob Mon Nov 23 03:12:44 2026\r\n", b">From me\r\n"]
BODIES = [b"hello\r\n", b"..dot\r\n", b".\x20\r\n", b".x\r\n", b"", b"\xc3\xa4\r\n", b"\xff\xfe\r\n", b"x" * 998 + b"\r\n", b"x" * 3000 + b"\r\n", b"\r\n",
          b"tab\there\r\n", b"\x01\x1b\x7f\r\n", b"From the start\r\n", b"no end", b"...\r\n", b"\x1a\r\n", b"a\r\n\r\n\r\nb\r\n", b"trailing  \r\n"]
BAD_BODIES = [b"lf\nhere\r\n", b"cr\rhere\r\n", b"nul\0here\r\n", b"x" * 70_000 + b"\r\n", b"crcr\r\r\n", b"lflf\n\nx\r\n", b"end\r"]


def some_header(stream):
    """On top, what is no field decides how all of the rest is read: it comes with one field alone behind it."""
    if stream.dice.random() < 0.08:
        return stream.pick(*NO_FIELDS_ON_TOP) + b"Subject: y\r\n"
    lines = stream.some(HEADERS, 3)
    return (b"X-First: x\r\n" if lines[0] in NO_FIELDS_ON_TOP else b"") + b"".join(lines)


def some_content(stream):
    content = some_header(stream) if stream.dice.random() < 0.7 else b"Subject: y\r\n"
    if stream.dice.random() < 0.9:
        content += CRLF
    content += b"".join(stream.some(BODIES, 3))
    if stream.dice.random() < 0.3:
        content += stream.pick(*BAD_BODIES)
    return content


def data(stream):
    stream.hello()
    for _ in range(stream.dice.randint(1, 2)):
        stream.say(b"MAIL FROM:<" + EVE + b">" + stream.pick(b"", b" BODY=8BITMIME", b" SMTPUTF8"), b"RCPT TO:<" + stream.pick(BOB, CAROL) + b">", b"DATA")
        content = some_content(stream)
        stream.content(stream.pick(content + (b".\r\n" if content.endswith(CRLF) else END), content + END, b".\r\n"))
    stream.goodbye()


def smuggling(stream):
    stream.hello()
    stream.say(b"MAIL FROM:<" + EVE + b">", b"RCPT TO:<" + CAROL + b">", b"DATA")
    stream.content(b"Subject: carrier\r\n\r\nbody" + stream.pick(*ENDINGS) + SMUGGLED + stream.pick(b"", b"more" + END))
    stream.goodbye()


def chunks(stream):
    stream.hello()
    for _ in range(stream.dice.randint(1, 2)):
        stream.say(b"MAIL FROM:<" + EVE + b">" + stream.pick(b"", b"", b" BODY=8BITMIME", b" BODY=BINARYMIME"),
                   b"RCPT TO:<" + stream.pick(BOB, CAROL, b"nobody@acorn.example") + b">")
        content = some_content(stream)
        while True:
            cut = stream.dice.randint(0, len(content))
            part, content = content[:cut], content[cut:]
            last = not content or stream.dice.random() < 0.3
            verb = stream.pick(b"BDAT %d", b"BDAT %d", b"bdat %d", b"BDAT  %d") % len(part)
            stream.segments.append((verb + (stream.pick(b" LAST", b" last", b" LAST ") if last else b"") + CRLF + part, 1))
            if stream.dice.random() < 0.15:
                stream.say(stream.pick(b"NOOP", b"RSET", b"MAIL FROM:<x@other.example>", b"RCPT TO:<bob@acorn.example>", b"DATA x", b"VRFY bob"))
            if last:
                break
    if stream.dice.random() < 0.1:
        stream.say(stream.pick(b"BDAT", b"BDAT x", b"BDAT -1", b"BDAT 1 FIRST", b"BDAT 99999999999999999999", b"BDAT 0 LAST x"))
    stream.goodbye()


def lines(stream):
    """What isn't a line: bare CR, bare LF, NUL, controls, octets over 127, lines too long."""
    stream.hello()
    command = stream.pick(*COMMANDS[2:9], b"MAIL FROM:<eve@other.example>", b"VRFY " + b"x" * stream.pick(400, 1000, 2000, 2045, 2046, 5000, 20000))
    octets = stream.pick(b"\r", b"\n", b"\0", b"\t", b"\x01", b"\x7f", b"\xff", b"\xc3\xa4", b"\x1b[2J", b"\r\r", b" ")
    at = stream.pick(0, len(command), stream.dice.randint(0, len(command)))
    if len(command) < 400:
        command = command[:at] + octets + command[at:]
    end = stream.pick(CRLF, CRLF, CRLF, b"\n", b"\r\r\n", b" \r\n", b"\0\r\n", b"\r\n")
    stream.segments.append((command + end, (command + end).count(b"\n")))  # a bare LF ends a line for both, if only to be refused
    stream.goodbye()


def pipelined(stream):
    """Groups as RFC 2920 lets them be sent, and some that it doesn't."""
    stream.hello()
    for _ in range(stream.dice.randint(1, 3)):
        group = [b"RSET"] if stream.dice.random() < 0.4 else []
        group.append(b"MAIL FROM:<" + EVE + b">")
        group += [b"RCPT TO:<" + one + b">" for one in stream.some([BOB, CAROL, b"nobody@acorn.example", BOB, b"x@other.example"], 4)]
        group.append(stream.pick(b"DATA", b"DATA", b"DATA", b"NOOP", b"RSET"))
        stream.group(group)
        if group[-1] == b"DATA":
            stream.content(stream.pick(b"Subject: group\r\n\r\nhello" + END, b".\r\n"))
    stream.goodbye()


FAMILIES = {"hello": hello, "mail": mail_path, "rcpt": rcpt_path, "parameters": parameters, "order": order, "data": data, "smuggling": smuggling,
            "chunks": chunks, "lines": lines, "pipelined": pipelined}


def cut(segment, how, dice):
    """The same octets in other pieces: 0 whole, 1 small, 2 at random."""
    if how == 0 or len(segment) < 2:
        return [segment]
    if how == 1:
        step = 1 if len(segment) <= 120 else 1 + len(segment) // 120
        return [segment[at:at + step] for at in range(0, len(segment), step)]
    pieces = []
    while segment:
        length = dice.choice((1, 2, 3, 7, 30, 500, 1460))
        pieces.append(segment[:length])
        segment = segment[length:]
    return pieces

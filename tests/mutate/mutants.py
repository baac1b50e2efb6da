"""The single faults that can be made in a source: an operator, a constant, a condition or a name changed, a statement dropped.

A tokenizer, no compiler: what it makes and the compiler refuses is counted apart. It relies on the tree's clang-format: spaces stand
around binary operators and none in `vector<int>`.
"""
import hashlib
import re
from dataclasses import dataclass

TOKEN = re.compile(r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<directive>^[ \t]*\#(?:\\\n|[^\n])*)
  | (?P<text>(?:u8|[LuU])?"(?:\\.|[^"\\\n])*"|R"(?P<raw>[^(]*)\(.*?\)(?P=raw)")
  | (?P<character>'(?:\\.|[^'\\\n])+')
  | (?P<number>\b(?:0[xX][\da-fA-F']+|\d[\d']*(?:\.\d+)?)(?:[uUlLzZ]*|[a-z]+\b))
  | (?P<word>[A-Za-z_]\w*)
  | (?P<sign><=>|<<=|>>=|\.\.\.|->|::|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[^\s\w])
""", re.X | re.M | re.S)

OPERATORS = {"==": ["!="], "!=": ["=="], "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"], "&&": ["||"],
             "||": ["&&"], "+": ["-"], "-": ["+"], "*": ["/"], "/": ["*"], "%": ["/"], "+=": ["-="], "-=": ["+="], "|=": ["="], "&=": ["="],
             "&": ["|"], "|": ["&"], "<<": [">>"], ">>": ["<<"]}
STEPS = {"++": "--", "--": "++"}
WORDS = {"true": "false", "false": "true", "min": "max", "max": "min", "any_of": "all_of", "all_of": "any_of", "none_of": "any_of",
         "begin": "end", "first": "second", "second": "first"}
KINDS = ("operator", "constant", "condition", "name", "statement", "return")
NOT_DROPPED = re.compile(r"^(return|co_return|using|case|default|public|private|struct|class|enum|namespace|template|static_assert|else|goto|throw"
                         r"|ASSERT|const|constexpr|static|auto|friend|typedef|if|for|while|switch|do|try|extern|inline|virtual|explicit)\b")
# `std::string name`, `Plan plan;`, `hop::Protection nothing_yet{…}`: not an assignment, a call or a step.
DECLARATION = re.compile(r"^(?:[\w:]+(?:<[^=;]*>)?[&*]*\s+[&*]*)+\w+\s*(?:=|;|\{|\(|$)")


@dataclass(frozen=True)
class Mutant:
    file: str  # relative to the tree
    start: int
    end: int
    new: str
    kind: str
    line: int
    old: str
    source: str  # the line it begins in, without its indent

    @property
    def change(self):
        old, new = " ".join(self.old.split()), " ".join(self.new.split())
        return f"{old or 'nothing'} -> {new or 'nothing'}"

    def key(self, digest):
        """The same as long as the file is."""
        return hashlib.sha256(f"{digest} {self.start} {self.end} {self.new}".encode()).hexdigest()[:16]

    def applied(self, text):
        return text[: self.start] + self.new + text[self.end:]


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


def tokens(text):
    found = (Token(match.lastgroup if match.lastgroup != "raw" else "text", match.group(), match.start(), match.end())
             for match in TOKEN.finditer(text))
    return [token for token in found if token.kind not in ("comment", "directive")]


def first_ones(headers):
    """The first enumerator of each enumeration: what `{}` means."""
    return {(name, value.group()) for text in headers for name, body in re.findall(r"\benum (?:class |struct )?(\w+)[^{;]*\{([^}]*)\}", text)
            for value in [re.search(r"\b[a-z]\w*\b", re.sub(r"//[^\n]*", "", body))] if value}


def brothers(headers):
    """From declarations: other enumerators of an enumeration, other constants of a namespace and other fields of a struct that have
    the same type."""
    enumerators, fields = {}, {}
    for text in headers:
        for space, body in re.findall(r"^namespace ([\w:]+) \{(.*?)^\}  // namespace", text, re.M | re.S):
            by_type = {}
            for kind, name in re.findall(r"^inline constexpr ([\w:]+) (\w+)\b", body, re.M):
                by_type.setdefault(kind, []).append(name)
            for names in by_type.values():
                for at, name in enumerate(names):
                    if len(names) > 1:
                        enumerators.setdefault((space.rpartition("::")[2], name), []).append(names[(at + 1) % len(names)])
        for _, name, body in re.findall(r"\benum (class |struct )?(\w+)[^{;]*\{([^}]*)\}", text):
            values = [word.group() for word in re.finditer(r"\b[a-z]\w*\b", re.sub(r"//[^\n]*|=[^,]*", "", body))]
            for at, value in enumerate(values):
                if len(values) > 1:
                    enumerators.setdefault((name, value), []).append(values[(at + 1) % len(values)])
        for body in re.findall(r"\bstruct \w+[^{;]*\{(.*?)\n\};", text, re.S):
            by_type = {}
            for kind, name in re.findall(r"^  ([\w:<>, ]+?) (\w+)(?:\{[^;]*\}| = [^;]*)?;", body, re.M):
                by_type.setdefault(re.sub(r"<.*>", "<>", kind) if kind.startswith("Part<") else kind, []).append(name)
            for names in by_type.values():
                for at, name in enumerate(names):
                    if len(names) > 1:
                        fields.setdefault(name, []).append(names[(at + 1) % len(names)])
    return enumerators, fields


class Maker:
    def __init__(self, file, text, headers=()):
        self.file, self.text, self.tokens = file, text, tokens(text)
        self.enumerators, self.fields = brothers([*headers, text])
        self.defaults = {f"{name}::{value}" for name, value in first_ones([*headers, text])}
        self.used = set(re.findall(r"using enum (?:\w+::)*(\w+);", text))
        self.made = {}

    def all(self):
        asserted = 0  # what never happens can't be noticed
        for at, token in enumerate(self.tokens):
            if token.text == "ASSERT":
                asserted = self._closing(at + 1) or 0
            if at < asserted:
                continue
            if token.kind == "sign":
                self._operator(at, token)
            elif token.kind == "number":
                self._number(at, token)
            elif token.kind == "word":
                self._word(at, token)
        self._statements()
        return sorted(self.made.values(), key=lambda mutant: (mutant.start, mutant.end, mutant.new))

    def _add(self, kind, start, end, new):
        old = self.text[start:end]
        if old == new:
            return
        line = self.text.count("\n", 0, start) + 1
        source = self.text.splitlines()[line - 1].strip()
        self.made.setdefault((start, end, new), Mutant(self.file, start, end, new, kind, line, old, source))

    def _spaced(self, token):
        return self.text[token.start - 1] in " \n(" and self.text[token.end:token.end + 1] in (" ", "\n")

    def _operator(self, at, token):
        sign = token.text
        if sign == "!" and self.tokens[at + 1].text != "=":
            self._add("condition", token.start, token.end, "")
        elif sign in STEPS:
            self._add("operator", token.start, token.end, STEPS[sign])
        elif sign in OPERATORS and self._spaced(token) and self.text[token.start - 1] != "(":
            for new in OPERATORS[sign]:
                self._add("operator", token.start, token.end, new)
        elif sign == "?" and self._spaced(token):
            # The other way: `c ? a : b` as if not c.
            start = self._left_end(at)
            if start is not None:
                self._add("condition", start, token.start, f"!({self.text[start:token.start].strip()}) ")

    def _left_end(self, at):
        """Where the condition of `?` at this token begins."""
        depth = 0
        for token in reversed(self.tokens[:at]):
            if token.text in (")", "]", "}"):
                depth += 1
            elif token.text in ("(", "[", "{"):
                if depth == 0:
                    return token.end
                depth -= 1
            elif depth == 0 and (token.text in (";", "=", ",", "?", ":", "<<", "return", "co_return", "+=", "case")):
                return token.end + (1 if self.text[token.end] == " " else 0)
        return None

    def _number(self, at, token):
        text = token.text
        digits = re.match(r"0[xX][\da-fA-F']+|[\d']+", text).group()
        if "." in text:
            return
        value = int(digits.replace("'", ""), 0 if digits[:2].lower() == "0x" else 10)
        rest = text[len(digits):]
        self._add("constant", token.start, token.end, f"{value + 1}{rest}")
        if value > 0:
            self._add("constant", token.start, token.end, f"{value - 1}{rest}")

    def _word(self, at, token):
        before = self.tokens[at - 1].text if at else ""
        if token.text in WORDS and (token.text not in ("first", "second", "begin", "end") or before in (".", "->")):
            self._add("constant" if token.text in ("true", "false") else "name", token.start, token.end, WORDS[token.text])
        if self._is_case(at):
            return
        if before == "::" and at >= 2:
            for new in self.enumerators.get((self.tokens[at - 2].text, token.text), []):
                self._add("name", token.start, token.end, new)
        elif before not in (".", "->"):
            # `using enum`: a name alone.
            if self.text[token.end:token.end + 1] not in ("(", "."):
                for (name, value), news in self.enumerators.items():
                    for new in news if value == token.text and name in self.used else ():
                        self._add("name", token.start, token.end, new)
        designator = before == "." and self.tokens[at - 2].text in ("{", ",")
        if before in (".", "->") and not designator and self.text[token.end:token.end + 1] != "(":
            for new in self.fields.get(token.text, []):
                self._add("name", token.start, token.end, new)
        if token.text in ("if", "while") and self.tokens[at + 1].text in ("(", "constexpr"):
            self._condition(at, token.text)
        if token.text in ("return", "co_return"):
            end = self._end_of_statement(at)
            if end is not None and end > at + 1:
                value = self.text[token.end:self.tokens[end].start].strip()
                same = "::".join(value.split("::")[-2:]) in self.defaults
                if not same and value not in ("{}", "true", "false", "std::nullopt"):
                    self._add("return", token.end, self.tokens[end].start, " {}")

    def _is_case(self, at):
        for token in reversed(self.tokens[max(0, at - 8):at]):
            if token.text in (":", ";", "{", "}"):
                return False
            if token.text == "case":
                return True
        return False

    def _condition(self, at, word):
        if self.tokens[at + 1].text != "(":
            return
        close = self._closing(at + 1)
        if close is None:
            return
        start, end = self.tokens[at + 1].end, self.tokens[close].start
        body = self.text[start:end]
        if ";" in body:
            start += body.rindex(";") + 1
            body = self.text[start:end]
        if re.match(r"\s*(const )?auto\b", body):  # a declaration: it can't be replaced, but emptied
            return
        self._add("condition", start, end, (" " if body.startswith(" ") else "") + "false")
        if word == "if":
            self._add("condition", start, end, (" " if body.startswith(" ") else "") + "true")

    def _closing(self, at):
        depth = 0
        for index in range(at, len(self.tokens)):
            text = self.tokens[index].text
            depth += text in ("(", "[", "{")
            depth -= text in (")", "]", "}")
            if depth == 0:
                return index
        return None

    def _end_of_statement(self, at):
        depth = 0
        for index in range(at, len(self.tokens)):
            text = self.tokens[index].text
            depth += text in ("(", "[", "{")
            depth -= text in (")", "]", "}")
            if depth < 0:
                return None
            if depth == 0 and text == ";":
                return index
        return None

    def _statements(self):
        """A statement begins behind `;`, `{`, `}`, or the `)` of an `if`; it is dropped whole."""
        beginnings = []
        for at, token in enumerate(self.tokens[:-1]):
            if token.text in (";", "{", "}", "else"):
                beginnings.append(at + 1)
            elif token.text in ("if", "for", "while") and self.tokens[at + 1].text == "(":
                close = self._closing(at + 1)
                if close is not None:
                    beginnings.append(close + 1)
            elif token.text == ":" and at >= 2 and self._is_label(at):
                beginnings.append(at + 1)
        for at in dict.fromkeys(beginnings):
            if at >= len(self.tokens) or not self._within_function(at):
                continue
            end = self._end_of_statement(at)
            if end is None:
                continue
            start = self.tokens[at].start
            body = self.text[start:self.tokens[end].start]
            if body.startswith("{") or NOT_DROPPED.match(body) or DECLARATION.match(body + ";") and not re.match(r"^[\w.\->\[\]*]+\s*[-+|&]?=[^=]", body):
                continue
            if body == "break" and self._ends_switch(at, end):
                continue
            self._add("statement", start, self.tokens[end].start, "")

    def _ends_switch(self, at, end):
        """The last `break` of a switch does nothing."""
        if end + 1 >= len(self.tokens) or self.tokens[end + 1].text != "}":
            return False
        depth = 0
        for index in range(at - 1, 0, -1):
            text = self.tokens[index].text
            depth += text in ("}", ")")
            depth -= text in ("{", "(")
            if depth < 0 and text == "{":
                opened = index
                break
        else:
            return False
        depth = 0
        for index in range(opened - 1, 0, -1):
            text = self.tokens[index].text
            depth += text == ")"
            depth -= text == "("
            if depth == 0:
                return text == "(" and self.tokens[index - 1].text == "switch"
        return False

    def _is_label(self, at):
        for token in reversed(self.tokens[max(0, at - 8):at]):
            if token.text in ("case", "default"):
                return True
            if token.text in (";", "{", "}", "?"):
                return False
        return False

    def _within_function(self, at):
        """Not a field's default, not a declaration at the file's level: some brace before it was opened behind `)` or a word of control."""
        if not hasattr(self, "_depths"):
            self._depths, stack = [], []
            for index, token in enumerate(self.tokens):
                if token.text == "{":
                    before = self.tokens[index - 1].text if index else ""
                    code = before in (")", "else", "do", "try", "const", "noexcept", "override", ":") or self._returns(index)
                    stack.append(code or (bool(stack) and stack[-1] and before in (";", "{", "}")))
                elif token.text == "}" and stack:
                    stack.pop()
                self._depths.append(any(stack))
        return self._depths[at]

    def _returns(self, index):
        """`) -> Type {`"""
        words = [token.text for token in self.tokens[max(0, index - 12):index]]
        return "->" in words and ")" in words and ";" not in words[words.index("->"):]


def mutants(file, text, headers=()):
    return Maker(file, text, headers).all()

// Commands in their order, and what the handler's answers lead to. The octets of content are in
// session_content.cc.
#include "smtp/session.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/limits.h"

namespace letterlock::smtp {
namespace status = dsn::status;
namespace {

constexpr dsn::Status security_needed{5, 7, 0};
constexpr dsn::Status encryption_needed{5, 7, 11};  // RFC 4954 §6
constexpr dsn::Status suspicious{4, 7, 0};
constexpr std::size_t recipients_least = 100;  // RFC 5321 §4.5.3.1.8
constexpr std::size_t unread_lines_max = 20;   // as many as there may be wrong commands

}  // namespace

std::string_view name(Phase phase) {
  switch (phase) {
    case Phase::connected:
      return "connected";
    case Phase::greeted:
      return "greeted";
    case Phase::mail:
      return "mail";
    case Phase::rcpt:
      return "rcpt";
    case Phase::content:
      return "content";
    case Phase::chunks:
      return "chunks";
    case Phase::auth:
      return "auth";
    case Phase::tls:
      return "tls";
    case Phase::closed:
      return "closed";
  }
  return "";
}

ServerSession::ServerSession(const ServerOptions& options)
    : options_(options), lines_(options_.line_ends) {}

Reply ServerSession::greeting() const {
  return reply(220, fmt::format("{} ESMTP", options_.host_name.text()));
}

Reply ServerSession::early_talker() {
  phase_ = Phase::closed;
  return reply(421, suspicious, "you spoke before the greeting");
}

std::optional<Step> ServerSession::next(std::string_view octets, std::size_t& consumed) {
  ASSERT(phase_ != Phase::content && phase_ != Phase::tls && phase_ != Phase::closed);
  // AUTH's first line may be as long as those of its exchange (RFC 4954 §4); no other may.
  const std::size_t octets_max =
      phase_ == Phase::auth || base::equal_ignoring_case(octets.substr(0, 5), "AUTH ")
          ? base::limits::auth_line_octets_max
          : base::limits::command_line_octets_max;
  const Line line = lines_.next(octets, octets_max);
  consumed = line.consumed;
  if (line.kind == Line::Kind::more) return std::nullopt;
  const std::string_view behind = octets.substr(consumed);
  return phase_ == Phase::auth ? auth_line(line, behind) : command_line(line, behind);
}

Step ServerSession::command_line(const Line& line, std::string_view behind) {
  if (line.kind != Line::Kind::whole) return telling(refused_line(line.kind), line.text);
  // In base64 any letter may be the first.
  if (!passwords_.awaits(line.text) && is_foreign_protocol(line.text))
    return telling(end(421, suspicious, "this is SMTP"), line.text);
  line_octets_ = line.text.size();
  auto parsed = parse_command(line.text, context());
  if (auto* refused = std::get_if<Refused>(&parsed)) {
    if (refused->then == Refused::Then::close) {
      phase_ = Phase::closed;
      return Close{std::move(refused->reply)};
    }
    return telling(wrong(std::move(refused->reply)), line.text);
  }
  auto& command = std::get<Command>(parsed);
  const bool is_auth = std::holds_alternative<Auth>(command);
  Step step = order(std::move(command), behind);
  const bool is_refused = is_auth && !std::holds_alternative<Auth>(step);
  return is_refused ? telling(std::move(step), line.text) : step;
}

Step ServerSession::auth_line(const Line& line, std::string_view behind) {
  // RFC 4954 §4: the client waits for each challenge.
  if (!behind.empty()) return telling(early(), line.text);
  if (line.kind == Line::Kind::whole && line.text == "*")
    return AuthAnswer{AuthAnswer::Kind::cancelled, {}};
  auto decoded = base::from_base64(line.text);
  if (line.kind != Line::Kind::whole || !decoded)
    return telling(AuthAnswer{AuthAnswer::Kind::malformed, {}}, line.text);
  return AuthAnswer{AuthAnswer::Kind::octets, std::move(*decoded)};
}

Step ServerSession::telling(Step refusal, std::string_view line) {
  auto found = passwords_.find_in(line);
  if (!found) return refusal;
  std::visit(
      [&](auto& step) {
        if constexpr (requires { step.shown; }) step.shown.push_back(std::move(*found));
      },
      refusal);
  return refusal;
}

Shown ServerSession::unread(std::string_view octets) {
  Shown found;
  for (std::size_t lines = 0; lines < unread_lines_max && !octets.empty(); ++lines) {
    const std::size_t line_feed = std::min(octets.find('\n'), octets.size() - 1);
    std::string_view line = octets.substr(0, line_feed + 1);
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (auto shown = passwords_.find_in(line)) found.push_back(std::move(*shown));
    octets.remove_prefix(line_feed + 1);
  }
  return found;
}

Step ServerSession::refused_line(Line::Kind kind) {
  if (phase_ == Phase::connected && kind == Line::Kind::bare_end) {
    // Nobody who speaks SMTP begins like this.
    return end(421, suspicious, "lines end in CR LF");
  }
  return wrong(kind == Line::Kind::too_long ? reply(500, status::syntax_error, "line too long")
                                            : reply(500, status::syntax_error,
                                                    "lines end in CR LF and have neither inside"));
}

Step ServerSession::order(Command command, std::string_view behind) {
  return std::visit([&](auto& known) { return take(std::move(known), behind); }, command);
}

Step ServerSession::take(Hello hello, std::string_view behind) {
  if (!behind.empty()) return early();
  return idle(std::move(hello));
}

Step ServerSession::take(Mail mail, std::string_view) {
  if (phase_ == Phase::connected) return wrong(reply(503, status::bad_command, "say EHLO first"));
  if (in_transaction()) return wrong(reply(503, status::bad_command, "a transaction is open"));
  if (options_.tls == Need::required && !in_tls_) {
    return wrong(reply(530, security_needed, "STARTTLS must come first"));
  }
  if (options_.authentication == Need::required && !authenticated_) {
    return wrong(reply(530, security_needed, "AUTH must come first"));
  }
  if (transactions_ >= options_.transactions_max) {
    return end(421, suspicious, "enough messages in this session, connect again");
  }
  // RFC 1870 §6.1: refused before the content is sent.
  if (mail.size_octets && *mail.size_octets > options_.size_octets_max) {
    if (++refusals_ > options_.refusals_max) return end(421, suspicious, "too many refusals");
    return say(552, status::too_big, "the message is larger than is taken here");
  }
  return mail;
}

Step ServerSession::take(Rcpt rcpt, std::string_view) {
  if (phase_ != Phase::mail && phase_ != Phase::rcpt) {
    return wrong(reply(503, status::bad_command, "MAIL must come first"));
  }
  // RFC 5321 §4.5.3.1.10: 452, so that the client sends the rest in another transaction.
  const bool too_large = recipients_ >= recipients_least &&
                         envelope_octets_ + line_octets_ > options_.envelope_octets_max;
  if (recipients_ >= options_.recipients_max || too_large) {
    return say(452, status::too_many_recipients, "too many recipients, send the rest separately");
  }
  return rcpt;
}

std::optional<Reply> ServerSession::content_without_recipients() const {
  if (phase_ == Phase::rcpt) return std::nullopt;
  if (phase_ == Phase::mail && recipients_tried_) {
    return reply(554, status::bad_command, "no valid recipients");
  }
  return reply(503, status::bad_command, "MAIL and RCPT must come first");
}

Step ServerSession::take(Data, std::string_view behind) {
  // RFC 2920 §3.1: content before 354 is not content; whoever sends it hopes for commands in it.
  if (!behind.empty()) return early();
  if (auto refused = content_without_recipients()) return wrong(std::move(*refused));
  content_ = Content::data;
  return Begin{};
}

Step ServerSession::take(Bdat bdat, std::string_view) {
  if (!options_.chunking) return end(502, status::bad_command, "BDAT isn't offered");
  if (bdat.octets > options_.size_octets_max) {
    // RFC 3030 §2 deviation: a chunk that is larger than any message isn't read to its end.
    return end(552, status::too_big, "the chunk is larger than any message is taken here");
  }
  if (phase_ != Phase::chunks) {
    if (auto refused = content_without_recipients()) return discard(bdat, std::move(*refused));
  }
  // A chunk of nothing, with more to come, does nothing: nobody may send them for ever.
  if (bdat.octets == 0 && !bdat.last && ++idle_commands_ > options_.idle_commands_max)
    return end(421, suspicious, "too many commands without a message");
  content_ = Content::chunk;
  chunk_ = bdat;
  if (phase_ != Phase::chunks) return Begin{};
  phase_ = Phase::content;
  return Continue{};
}

// RFC 3030 §2: the octets of a chunk that is refused are read and thrown away before the reply.
Step ServerSession::discard(const Bdat& bdat, Reply reply) {
  if (!chunks_failed_) {
    Step step = wrong(reply);
    if (phase_ == Phase::closed) return step;
  }
  after_discard_ = phase_;
  content_ = Content::discard;
  chunk_ = bdat;
  failure_ = std::move(reply);
  phase_ = Phase::content;
  return Continue{};
}

bool ServerSession::offers(sasl::Mechanism mechanism) const {
  if (mechanism == sasl::Mechanism::scram_sha_256_plus && binding_ == ChannelBinding::none)
    return false;
  if (mechanism == sasl::Mechanism::external && certificate_ == ClientCertificate::none)
    return false;
  return std::ranges::find(options_.mechanisms, mechanism) != options_.mechanisms.end();
}

Step ServerSession::take(Auth auth, std::string_view behind) {
  if (auto refused = refusal_of(auth, behind)) return std::move(*refused);
  return auth;
}

std::optional<Step> ServerSession::refusal_of(const Auth& auth, std::string_view behind) {
  if (options_.authentication == Need::none) {
    return wrong(reply(502, status::bad_command, "AUTH isn't offered"));
  }
  if (!in_tls_) return wrong(reply(538, encryption_needed, "AUTH only after STARTTLS"));
  if (phase_ != Phase::greeted || !extended_) {
    return wrong(reply(503, status::bad_command, "AUTH comes after EHLO and before MAIL"));
  }
  // RFC 4954 §4: only once in a session.
  if (authenticated_) return wrong(reply(503, status::bad_command, "you are signed in"));
  if (!offers(auth.mechanism)) {
    return wrong(reply(504, status::bad_parameters, "that mechanism isn't offered"));
  }
  // RFC 4954 §4: the client waits for each challenge. What came already is read as if it had been
  // refused for another reason: nobody signs in by it, and a password in it is known to be shown.
  if (!behind.empty()) {
    return wrong(reply(503, status::bad_command, "AUTH comes last, and its answers when asked"));
  }
  return std::nullopt;
}

Step ServerSession::take(StartTls, std::string_view behind) {
  // What was sent behind it in clear may be anybody's.
  if (!behind.empty()) return early();
  if (in_tls_) return wrong(reply(503, status::bad_command, "TLS is on"));
  if (options_.tls == Need::none) {
    return wrong(reply(502, status::bad_command, "STARTTLS isn't offered"));
  }
  if (!extended_) return wrong(reply(503, status::bad_command, "say EHLO first"));
  phase_ = Phase::tls;
  return BeginTls{reply(220, dsn::Status{2, 0, 0}, "go ahead")};
}

Step ServerSession::take(Rset, std::string_view) {
  return idle(Reset{reply(250, status::ok, "forgotten")});
}

Step ServerSession::take(Noop, std::string_view) {
  return idle(Say{reply(250, status::ok, "ok")});
}

// RFC 5321 §7.3: who is here isn't told to strangers; 252 says so.
Step ServerSession::take(Vrfy, std::string_view) {
  return idle(Say{reply(252, dsn::Status{2, 1, 5}, "send mail and see")});
}

Step ServerSession::take(Help, std::string_view) {
  return idle(Say{reply(214, status::ok, "RFC 5321 says all of it")});
}

Step ServerSession::take(Quit, std::string_view) {
  return end(221, status::ok, "goodbye");
}

Step ServerSession::say(unsigned code, dsn::Status said, std::string_view text) {
  return Say{reply(code, said, text)};
}

Step ServerSession::wrong(Reply reply) {
  if (++errors_ <= options_.errors_max) return Say{std::move(reply)};
  return end(421, suspicious, "too many errors");
}

Step ServerSession::idle(Step step) {
  if (++idle_commands_ > options_.idle_commands_max) {
    return end(421, suspicious, "too many commands without a message");
  }
  if (std::holds_alternative<Reset>(step)) end_transaction();
  return step;
}

Step ServerSession::end(unsigned code, dsn::Status said, std::string_view text) {
  phase_ = Phase::closed;
  return Close{reply(code, said, text)};
}

Step ServerSession::early() {
  return end(421, suspicious, "commands came before their time");
}

CommandContext ServerSession::context() const {
  return {
      .utf8 = smtputf8_ ? CommandContext::Utf8::accepted : CommandContext::Utf8::refused,
      .own_domain = options_.host_name,
      .offers_smtputf8 = options_.smtputf8,
      .offers_dsn = options_.dsn,
      .offers_require_tls = options_.require_tls && in_tls_,
      .offers_auth = options_.authentication != Need::none && in_tls_,
  };
}

std::vector<std::string> ServerSession::keywords() const {
  std::vector<std::string> words{"PIPELINING", fmt::format("SIZE {}", options_.size_octets_max),
                                 "8BITMIME", "ENHANCEDSTATUSCODES"};
  if (options_.chunking) words.emplace_back("CHUNKING");
  if (options_.smtputf8) words.emplace_back("SMTPUTF8");
  if (options_.dsn) words.emplace_back("DSN");
  // RFC 3207 §4.2: not inside TLS.
  if (options_.tls != Need::none && !in_tls_) words.emplace_back("STARTTLS");
  if (options_.require_tls && in_tls_) words.emplace_back("REQUIRETLS");
  if (options_.authentication != Need::none && in_tls_) {
    std::string auth = "AUTH";
    for (const auto mechanism : options_.mechanisms) {
      if (offers(mechanism)) auth += fmt::format(" {}", sasl::name(mechanism));
    }
    if (auth != "AUTH") words.push_back(std::move(auth));
  }
  if (options_.limits) {
    words.push_back(fmt::format("LIMITS MAILMAX={} RCPTMAX={}", options_.transactions_max,
                                options_.recipients_max));
  }
  return words;
}

Reply ServerSession::hello_decided(const Hello& hello, Reply said) {
  if (said.code == 421) phase_ = Phase::closed;
  if (!said.is_positive()) return said;
  end_transaction();
  phase_ = Phase::greeted;
  extended_ = hello.extended;
  Reply answer = reply(250, options_.host_name.text());
  if (!hello.extended) return answer;
  for (auto& word : keywords()) answer.lines.push_back(std::move(word));
  // What the handler adds of its own.
  for (auto& line : said.lines) {
    if (!line.empty()) answer.lines.push_back(std::move(line));
  }
  return answer;
}

void ServerSession::mail_decided(const Mail& mail, const Reply& said) {
  if (said.is_permanent() && ++refusals_ > options_.refusals_max) phase_ = Phase::closed;
  if (said.code == 421) phase_ = Phase::closed;
  if (!said.is_positive()) return;
  ++transactions_;
  chunks_failed_ = false;
  phase_ = Phase::mail;
  smtputf8_ = mail.smtputf8;
}

void ServerSession::rcpt_decided(const Reply& said) {
  recipients_tried_ = true;
  if (said.is_positive()) {
    ++recipients_;
    envelope_octets_ += line_octets_;
    phase_ = Phase::rcpt;
  } else if (said.is_permanent() && ++refusals_ > options_.refusals_max) {
    phase_ = Phase::closed;
  }
  if (said.code == 421) phase_ = Phase::closed;
}

void ServerSession::auth_decided(const Reply& said) {
  phase_ = Phase::greeted;
  authenticated_ = said.is_positive();
  if (said.is_permanent()) ++auth_failures_;
  if (said.code == 421 || auth_failures_ >= options_.auth_failures_max) phase_ = Phase::closed;
}

void ServerSession::tls_started(ChannelBinding binding, ClientCertificate shown) {
  end_transaction();
  lines_.reset();
  phase_ = Phase::connected;
  extended_ = false;
  authenticated_ = false;
  in_tls_ = true;
  binding_ = binding;
  certificate_ = shown;
}

void ServerSession::end_transaction() {
  if (in_transaction()) phase_ = Phase::greeted;
  smtputf8_ = false;
  recipients_ = 0;
  envelope_octets_ = 0;
  recipients_tried_ = false;
  content_ = Content::none;
  chunk_ = {};
  received_ = 0;
  failure_.reset();
  // With them goes what normalising them held: a session that waits is small.
  data_ = DataDecoder();
  chunks_ = ChunkDecoder();
}

}  // namespace letterlock::smtp

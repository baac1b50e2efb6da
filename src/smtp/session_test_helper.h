// A driver without I/O for tests of the session, and a handler that takes what isn't addressed to
// "no@…".
#pragma once

#include <string>
#include <vector>

#include "smtp/session.h"

namespace letterlock::smtp {
inline ServerOptions all_options() {
  ServerOptions options;
  options.host_name = *address::Domain::parse("mx.example");
  options.authentication = Need::offered;
  options.mechanisms = {sasl::Mechanism::plain, sasl::Mechanism::scram_sha_256_plus,
                        sasl::Mechanism::external};
  options.require_tls = true;
  options.size_octets_max = 1000;
  return options;
}

struct Talk {
  explicit Talk(ServerOptions options = all_options()) : its(std::move(options)), session(its) {}
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;

  const ServerOptions its;
  ServerSession session;
  std::string pending;
  std::string content;
  std::vector<std::string> messages;
  std::string said;  // codes and statuses, one a reply: "250 2.0.0|354|"
  Reply last;
  bool tls_begun = false;
  std::vector<std::string> shown;  // each password as "user password"

  void say(const Reply& reply) {
    last = reply;
    said += std::to_string(reply.code) + (reply.status ? " " + reply.status->text() : "") + "|";
  }

  void take_content() {
    if (pending.empty() && session.content_octets_expected() > 0) return;
    auto step = session.content(pending);
    content += step.content;
    pending.erase(0, step.consumed);
    using Next = ContentStep::Next;
    if (step.next == Next::more) return;
    if (step.next == Next::message) {
      messages.push_back(std::exchange(content, ""));
      const Reply reply{250, dsn::status::ok, {"taken"}};
      session.message_decided(reply);
      say(reply);
      return;
    }
    if (step.next != Next::chunk_end) content.clear();
    say(step.reply);
  }

  void note(const Shown& passwords) {
    for (const auto& one : passwords) shown.push_back(one.user + " " + one.password);
  }
  void take(Say& step) {
    note(step.shown);
    say(step.reply);
  }
  void take(Close& step) {
    note(step.shown);
    say(step.reply);
  }
  void take(Reset& step) {
    content.clear();
    say(step.reply);
  }
  void take(Continue&) {}
  void take(Begin&) {
    if (const auto reply = session.content_begun({354, std::nullopt, {""}})) say(*reply);
  }
  void take(BeginTls& step) {
    say(step.reply);
    tls_begun = true;
  }
  void take(AuthAnswer& step) {
    note(step.shown);
    const bool good = step.kind == AuthAnswer::Kind::octets && step.octets == "good";
    const Reply reply = good ? Reply{235, dsn::Status{2, 7, 0}, {"welcome"}}
                             : Reply{535, dsn::status::bad_credentials, {"no"}};
    session.auth_decided(reply);
    say(reply);
  }
  void take(Hello& hello) { say(session.hello_decided(hello, {250, std::nullopt, {""}})); }
  void take(Mail& mail) {
    const Reply reply{250, dsn::status::ok, {"ok"}};
    session.mail_decided(mail, reply);
    say(reply);
  }
  void take(Rcpt& rcpt) {
    const bool no = rcpt.to.local_part() == "no";
    const Reply reply = no ? Reply{550, dsn::status::bad_mailbox, {"no"}}
                           : Reply{250, dsn::status::address_valid, {"ok"}};
    session.rcpt_decided(reply);
    say(reply);
  }
  void take(Auth&) {
    session.auth_continues();
    say(reply(334, ""));
  }

  // What is said to these octets, given at once.
  std::string operator()(const std::string& octets) {
    said.clear();
    pending += octets;
    while (!session.is_closed() && !tls_begun) {
      const std::string before = pending;
      const Phase phase = session.phase();
      if (session.in_content()) {
        take_content();
      } else {
        std::size_t consumed = 0;
        auto step = session.next(pending, consumed);
        if (step) std::visit([&](auto& known) { take(known); }, *step);
        pending.erase(0, consumed);
        if (!step) break;
      }
      if (pending == before && session.phase() == phase && session.in_content()) break;
    }
    if (session.is_closed()) {
      said += "closed";
      note(session.unread(pending));
    }
    return said;
  }
};

inline const std::string envelope = "MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\n";
inline const std::string envelope_ok = "250 2.0.0|250 2.1.5|";

}  // namespace letterlock::smtp

// Plays tests/dialogs/smtp_*.dialog against a server over a pipe. Each line of a dialog is one of
//   C: text          sent with CRLF; \r \n \0 \t \\ and \xHH stand for octets
//   C+ text          sent as it is, without CRLF
//   S: text          one whole reply must come, whose last line begins with the text
//   S# text          a line of that last reply contains the text
//   TLS              both ends begin TLS
//   END              the server ends the connection
//   option name      normalise, tls_required, sign_in_required, small (1000 octets of content)
//   messages n       so many messages were taken in all
//   # …              a remark
#include <filesystem>
#include <fstream>
#include <sstream>

#include "drive/smtp_testing.h"

namespace letterlock::drive::test {
namespace {

std::string octets_of(std::string_view text) {
  std::string octets;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      octets += text[i];
      continue;
    }
    const char what = text[++i];
    if (what == 'x') {
      octets += *base::from_hex(text.substr(i + 1, 2));
      i += 2;
    } else {
      octets += what == 'r'   ? '\r'
                : what == 'n' ? '\n'
                : what == '0' ? '\0'
                : what == 't' ? '\t'
                              : what;
    }
  }
  return octets;
}

struct Script {
  std::vector<std::pair<std::string, std::string>> lines;  // word, text
  SmtpServerOptions options = test_options();
};

Script load(const std::filesystem::path& path) {
  Script script;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t space = std::min(line.find(' '), line.size());
    script.lines.emplace_back(line.substr(0, space), line.substr(std::min(space + 1, line.size())));
    const auto& [word, text] = script.lines.back();
    if (word != "option") continue;
    auto& session = script.options.session;
    if (text == "normalise") session.line_ends = smtp::LineEnds::normalise;
    if (text == "tls_required") session.tls = smtp::Need::required;
    if (text == "sign_in_required") session.authentication = smtp::Need::required;
    if (text == "small") session.size_octets_max = 1000;
  }
  return script;
}

net::ResultTask<std::size_t> read_into(net::Connection& peer, std::string& pending) {
  char buffer[4096];
  CO_TRY(const std::size_t count, co_await peer.read_some(buffer, 2s));
  pending.append(buffer, count);
  co_return count;
}

net::Task<> play(ServedPipe& served, const Script& script, std::string& failure) {
  std::string pending;
  smtp::Reply reply;
  for (const auto& [word, text] : script.lines) {
    failure = word + " " + text;
    if (word == "C:" || word == "C+") {
      (void)co_await served.peer->write(octets_of(text) + (word == "C:" ? "\r\n" : ""), 2s);
    } else if (word == "S:") {
      smtp::ReplyParser parser;
      while (true) {
        const auto taken = parser.feed(pending);
        if (!taken) co_return;
        pending.erase(0, *taken);
        if (parser.is_done()) break;
        const auto count = co_await read_into(*served.peer, pending);
        if (!count || *count == 0) co_return;
      }
      reply = parser.take();
      std::string said = std::to_string(reply.code) + " ";
      if (reply.status) said += reply.status->text() + " ";
      if (!(said + reply.lines.back()).starts_with(text)) {
        failure += ", but the server said " + reply.text();
        co_return;
      }
    } else if (word == "S#") {
      if (!reply.text().contains(text)) co_return;
    } else if (word == "TLS") {
      auto session = co_await served.tls.connect(std::move(served.peer), {}, 2s);
      if (!session) co_return;
      served.peer = std::move(*session);
    } else if (word == "END") {
      const auto count = co_await read_into(*served.peer, pending);
      if (count && *count > 0) {
        failure += ", but the server said " + pending;
        co_return;
      }
    } else if (word == "messages") {
      if (std::to_string(served.handler.messages.size()) != text) co_return;
    } else if (word != "option") {
      co_return;
    }
  }
  failure.clear();
}

TEST(SmtpDialogs, AreSpokenAsWritten) {
  int played = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(LETTERLOCK_SOURCE_DIR "/tests/dialogs")) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("smtp_") || !name.ends_with(".dialog")) continue;
    const Script script = load(entry.path());
    ServedPipe served(script.options);
    served.handler.keys = sasl::derive("secret", "0123456789abcdef", sasl::rounds_min);
    std::string failure;
    served.run(play(served, script, failure));
    EXPECT_EQ(failure, "") << name;
    ++played;
  }
  EXPECT_GE(played, 10);
}

}  // namespace
}  // namespace letterlock::drive::test

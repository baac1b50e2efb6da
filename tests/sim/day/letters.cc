#include "sim/day/letters.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace letterlock::day {
namespace {

constexpr std::size_t digits = 6;

std::optional<unsigned> number_from(std::string_view text) {
  unsigned number = 0;
  const auto* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) return std::nullopt;
  return number;
}

std::optional<Mark::Of> mark_from(char letter) {
  switch (letter) {
    case 'S':
      return Mark::Of::subject;
    case 'L':
      return Mark::Of::line;
    case 'E':
      return Mark::Of::last_line;
    default:
      return std::nullopt;
  }
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

bool is_beyond_ascii(const std::string& text) {
  return std::ranges::any_of(text, [](char octet) { return static_cast<signed char>(octet) < 0; });
}

}  // namespace

std::vector<Mark> marks_in(std::string_view text) {
  std::vector<Mark> found;
  for (auto at = text.find('='); at != std::string_view::npos; at = text.find('=', at + 1)) {
    if (text.size() - at < mark_octets) break;
    const auto mark = text.substr(at, mark_octets);
    const auto of = mark_from(mark[1]);
    if (!of || mark.back() != '=') continue;
    const auto number = number_from(mark.substr(2, digits));
    if (!number) continue;
    const Mark one{*number, *of};
    if (std::ranges::find(found, one) == found.end()) found.push_back(one);
    at += mark_octets - 1;
  }
  return found;
}

std::optional<unsigned> letter_of_message_id(std::string_view message_id) {
  if (!message_id.starts_with("<L") || message_id.size() < 2 + digits) return std::nullopt;
  return number_from(message_id.substr(2, digits));
}

std::optional<dsn::Notify> Letter::notify_of(std::string_view recipient) const {
  const auto at = std::ranges::find(recipients, recipient);
  if (at == recipients.end()) return std::nullopt;
  return notify[static_cast<std::size_t>(at - recipients.begin())];
}

std::string Letters::body(const Letter& letter) {
  // Mostly small; some of several chunks, so that content comes and goes in parts.
  static constexpr std::uint64_t lines_max[] = {3, 6, 10, 20, 40, 80, 200, 2500};
  const auto lines = random_.between(1, lines_max[random_.below(8)]);
  const auto mark = fmt::format("=L{:06}=", letter.number);
  std::string body;
  for (std::uint64_t i = 0; i < lines; ++i) {
    if (random_.below(8) == 0) body += '.';
    if (random_.below(16) == 0) body += "\r\n.\r\n";
    body += mark + " " + std::string(random_.below(60), static_cast<char>('a' + i % 26));
    if (letter.eight_bit) body += " \xc3\xa4\xff";
    body += "\r\n";
  }
  return body + fmt::format("=E{:06}=\r\n", letter.number);
}

// Most are named in the header; some, or all, are not, and only the envelope knows them.
std::string Letters::named(const Letter& letter) {
  std::size_t count = letter.recipients.size();
  if (random_.below(3) == 0) count = random_.below(count + 1);
  std::string names;
  for (std::size_t i = 0; i < count; ++i)
    names += (i == 0 ? "<" : ",\r\n <") + letter.recipients[i] + ">";
  return count == 0 ? "undisclosed-recipients:;" : names;
}

std::string Letters::header(const Letter& letter, const std::string& header_from) {
  auto header = fmt::format(
      "From: <{0}>\r\nTo: {3}\r\nSubject: =S{1:06}= of the day{2}\r\n"
      "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <L{1:06}@sim.example>\r\n",
      header_from, letter.number, letter.smtputf8 ? " f\xc3\xbcr dich" : "", named(letter));
  if (!letter.account.empty() && random_.below(6) == 0)
    header += fmt::format("Bcc: <{}>\r\n", bcc_address);
  return header + "\r\n";
}

dsn::Notify Letters::notify() {
  switch (random_.below(8)) {
    case 0:
      return dsn::Notify::never();
    case 1:
      return {.given = true, .success = true, .failure = true, .delay = true};
    case 2:
      return {.given = true, .success = random_.below(2) == 0, .failure = true, .delay = false};
    default:
      return {};
  }
}

const Letter& Letters::write(Draft draft) {
  Letter letter;
  letter.number = static_cast<unsigned>(letters_.size() + 1);
  letter.account = std::move(draft.account);
  letter.mail_from = std::move(draft.mail_from);
  letter.recipients = std::move(draft.recipients);
  for (std::size_t i = 0; i < letter.recipients.size(); ++i) letter.notify.push_back(notify());
  if (random_.below(4) == 0) letter.params.envid = fmt::format("day+{}=", letter.number);
  if (random_.below(4) == 0)
    letter.params.ret = random_.below(2) == 0 ? dsn::Return::full : dsn::Return::headers;
  letter.eight_bit = random_.below(6) == 0;
  letter.smtputf8 =
      random_.below(12) == 0 || std::ranges::any_of(letter.recipients, is_beyond_ascii);
  letter.body = body(letter);
  letter.content = header(letter, draft.header_from) + letter.body;
  letters_.push_back(std::move(letter));
  return letters_.back();
}

const Letter& Letters::again(const Letter& letter) {
  Letter other = letter;
  other.number = static_cast<unsigned>(letters_.size() + 1);
  const auto before = fmt::format("{:06}", letter.number);
  const auto now = fmt::format("{:06}", other.number);
  for (auto* text : {&other.content, &other.body}) {
    for (const auto* mark : {"=S{}=", "=L{}=", "=E{}=", "<L{}@"})
      replace_all(*text, fmt::format(fmt::runtime(mark), before),
                  fmt::format(fmt::runtime(mark), now));
  }
  letters_.push_back(std::move(other));
  return letters_.back();
}

const Letter* Letters::find(unsigned number) const {
  return number == 0 || number > letters_.size() ? nullptr : &letters_[number - 1];
}

}  // namespace letterlock::day

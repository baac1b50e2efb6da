#include "sasl/shown.h"

#include <algorithm>
#include <utility>

#include "sasl/plain.h"

namespace letterlock::sasl {
namespace {

using base::equal_ignoring_case;

// Cuts the first word off `text`.
std::string_view take_word(std::string_view& text) {
  text = base::trim(text);
  const auto end = std::min(text.find_first_of(" \t"), text.size());
  const auto word = text.substr(0, end);
  text = base::trim(text.substr(end));
  return word;
}

// Padding may be missing: a listener can do without it.
std::optional<base::Bytes> octets_from(std::string_view text) {
  text = base::trim(text);
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.empty()) return std::nullopt;
  std::string padded(text);
  padded.append((4 - padded.size() % 4) % 4, '=');
  auto octets = base::from_base64(padded);
  if (!octets) return std::nullopt;
  return std::move(*octets);
}

// `echo` adds a line's end, and passwords have none.
std::string_view without_line_end(std::string_view octets) {
  while (!octets.empty() && std::string_view("\r\n\0", 3).contains(octets.back()))
    octets.remove_suffix(1);
  return octets;
}

// LOGIN's, in base64 or, by a careless script, as it is.
std::string login_part(std::string_view text) {
  const auto octets = octets_from(text);
  return std::string(without_line_end(octets ? std::string_view(*octets) : base::trim(text)));
}

std::optional<ShownPassword> shown(std::string user, std::string password) {
  if (user.empty() || password.empty()) return std::nullopt;
  if (user.size() > user_octets_max || password.size() > password_octets_max) return std::nullopt;
  return ShownPassword{std::move(user), std::move(password)};
}

}  // namespace

std::optional<ShownPassword> shown_in_plain(base::BytesView message) {
  const auto octets = without_line_end(message);
  const auto last = octets.rfind('\0');
  if (last == std::string_view::npos) return std::nullopt;
  const auto names = octets.substr(0, last);
  const auto before = names.rfind('\0');
  const auto user = before == std::string_view::npos ? names : names.substr(before + 1);
  return shown(std::string(user), std::string(octets.substr(last + 1)));
}

std::optional<ShownPassword> shown_beside(Mechanism mechanism, base::BytesView message) {
  auto shown = shown_in_plain(message);
  const auto seen = parse_plain(message);
  const bool is_checked = mechanism == Mechanism::plain && shown && seen &&
                          *shown == ShownPassword{seen->user, seen->password};
  return is_checked ? std::nullopt : shown;
}

std::optional<ShownPassword> ShownPasswords::find_in(std::string_view line) {
  constexpr std::string_view auth_equals = "AUTH=";
  if (equal_ignoring_case(line.substr(0, auth_equals.size()), auth_equals))
    return auth(line.substr(auth_equals.size()));
  auto rest = line;
  const auto word = take_word(rest);
  if (equal_ignoring_case(word, "AUTH")) return auth(rest);
  if (equal_ignoring_case(word, "USER")) {
    named_by_user_ = rest.size() <= user_octets_max ? rest : std::string_view();
    return std::nullopt;
  }
  if (equal_ignoring_case(word, "PASS")) {
    // RFC 1939 §7: spaces may be part of the password.
    const auto space = line.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    return shown(named_by_user_, std::string(line.substr(space + 1)));
  }
  return answer(line);
}

bool ShownPasswords::awaits(std::string_view line) const {
  return awaits_ != Awaits::nothing && octets_from(line).has_value();
}

std::optional<ShownPassword> ShownPasswords::auth(std::string_view arguments) {
  const auto mechanism = take_word(arguments);
  awaits_ = Awaits::nothing;
  named_by_login_.clear();
  if (arguments == "=") arguments = {};
  if (equal_ignoring_case(mechanism, "LOGIN")) {
    awaits_ = Awaits::name;
    if (arguments.empty()) return std::nullopt;
    name(login_part(take_word(arguments)));
    return arguments.empty() ? std::nullopt : answer(arguments);
  }
  if (arguments.empty()) {
    if (equal_ignoring_case(mechanism, sasl::name(Mechanism::plain))) awaits_ = Awaits::message;
    return std::nullopt;
  }
  const auto initial = octets_from(arguments);
  return initial ? shown_in_plain(*initial) : std::nullopt;
}

std::optional<ShownPassword> ShownPasswords::answer(std::string_view text) {
  const auto awaited = std::exchange(awaits_, Awaits::nothing);
  if (text == "*") return std::nullopt;
  if (const auto octets = octets_from(text)) {
    if (auto plain = shown_in_plain(*octets)) return plain;
  }
  if (awaited == Awaits::name) name(login_part(text));
  if (awaited != Awaits::password) return std::nullopt;
  return shown(std::exchange(named_by_login_, {}), login_part(text));
}

void ShownPasswords::name(std::string text) {
  if (text.empty() || text.size() > user_octets_max) return;
  named_by_login_ = std::move(text);
  awaits_ = Awaits::password;
}

}  // namespace letterlock::sasl

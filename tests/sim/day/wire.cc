#include "sim/day/wire.h"

#include <algorithm>

#include <fmt/format.h>

namespace letterlock::day {
namespace {

constexpr std::string_view acknowledgement = "taken, trace ";
constexpr std::size_t tail_octets = 48;  // of a mark, or of an acknowledgement

bool is_mail_door(std::uint16_t port) {
  return port == 25 || port == 465 || port == 587;
}
bool is_mailbox_door(std::uint16_t port) {
  return port == 110 || port == 995;
}

}  // namespace

void Wire::crossed(const sim::Crossing& crossing) {
  // Where somebody else sits, no node says anything.
  if (!world_.nodes.contains(crossing.from.address) || crossing.is_diverted) return;
  auto& tail = tails_[{crossing.from, crossing.to}];
  const auto text = tail + std::string(crossing.octets);
  const auto rest = std::min(text.size(), tail_octets);
  // What stood whole in the tail was looked at before.
  const auto marks =
      marks_in(std::string_view(text).substr(tail.size() - std::min(tail.size(), mark_octets - 1)));
  if (is_mail_door(crossing.from.port)) acknowledged(text);
  tail = text.substr(text.size() - rest);
  for (const auto& mark : marks) {
    if (is_mailbox_door(crossing.from.port)) fetched(crossing, mark);
    if (crossing.to.port == 25) left(crossing, mark);
  }
}

void Wire::left(const sim::Crossing& crossing, const Mark& mark) {
  const auto* letter = letters_.find(mark.number);
  if (letter == nullptr) return;
  const auto what = fmt::format("letter {} to {}", mark.number, crossing.to.text());
  const auto say = [&](const std::string& sentence) {
    if (said_.insert(sentence).second) findings_.broken(sentence);
  };
  const auto intents = transfers_.intents_for(mark.number, crossing.to.address, hop::Kind::relay);
  const auto required =
      intents.size() == 1 ? world_.required_on(*letter, intents.front()) : world_.required(*letter);
  if (!crossing.is_protected && required.level.value >= hop::Level::encrypted)
    say("protection: " + what + " crosses in clear, and TLS was required of it");
  // No MX host proves who it is, as long as nobody asks for policies and TLSA records.
  const bool is_smart_host = world_.smart_host == crossing.to.address;
  if (required.level.value >= hop::Level::authenticated && !is_smart_host)
    say("protection: " + what + " leaves, and nothing proved who answers");
  if (is_smart_host && !crossing.is_protected)
    say("protection: " + what + " goes to the smart host in clear");
  if (required.network.value == hop::NetworkNeed::private_)
    say("protection: " + what + " leaves over a public network");
  // One whose trace is forgotten meanwhile took its intent along.
  if (intents.empty() && transfers_.is_forgotten(mark.number)) return;
  if (intents.empty()) return say("intent: " + what + " leaves without a durable intent");
  // A crash may have left another one open; one of them must say how it leaves.
  const bool is_said = std::ranges::any_of(intents, [&](const Transfers::Intent& intent) {
    const auto level = intent.hop->protection.level;
    return is_smart_host ? level >= hop::Level::authenticated
                         : (level > hop::Level::clear) == crossing.is_protected;
  });
  if (!is_said)
    say(fmt::format("intent: {} leaves {}, and its intent says something else", what,
                    crossing.is_protected ? "under TLS" : "in clear"));
}

void Wire::received(std::string_view octets, const hop::TlsFacts& tls) {
  for (const auto& mark : marks_in(octets)) {
    const auto* letter = letters_.find(mark.number);
    if (letter == nullptr) continue;
    const auto required = world_.required(*letter);
    if (tls.version >= required.tls_version.value) continue;
    const auto sentence =
        fmt::format("protection: letter {} came over {}, {} was required", mark.number,
                    hop::name(tls.version), hop::name(required.tls_version.value));
    if (said_.insert(sentence).second) findings_.broken(sentence);
  }
}

void Wire::fetched(const sim::Crossing& crossing, const Mark& mark) {
  const auto intents = transfers_.intents_for(mark.number, crossing.to.address, hop::Kind::fetch);
  // Where a trace of it was forgotten nothing says by whom, though another's intent may be there,
  // of a reader at the same address; it may be taken away from now on.
  const bool is_forgotten = transfers_.is_forgotten(mark.number);
  if (is_forgotten && mark.of == Mark::Of::last_line) custody_.fetched("", mark.number);
  if (intents.empty() && is_forgotten) return;
  if (intents.empty())
    findings_.broken(fmt::format("intent: letter {} is fetched by {} without a durable intent",
                                 mark.number, crossing.to.text()));
  for (const auto& intent : intents) {
    if (mark.of == Mark::Of::last_line) custody_.fetched(intent.hop->from.who, mark.number);
  }
  const bool may_be_clear = std::ranges::any_of(intents, [&](const Transfers::Intent& intent) {
    return intent.hop->protection.level == hop::Level::clear &&
           world_.clear_fetch(intent.hop->from.who);
  });
  if (!crossing.is_protected && !may_be_clear)
    findings_.broken(fmt::format(
        "protection: letter {} is fetched in clear, and the tenant forbids it", mark.number));
}

// "250 2.0.0 taken, trace 01K…": from the moment that it is said, it must be durable.
void Wire::acknowledged(std::string_view octets) {
  const auto at = octets.rfind(acknowledgement);
  if (at == std::string_view::npos) return;
  const auto id = octets.substr(at + acknowledgement.size(), base::TraceId::text_octets);
  const auto trace = base::TraceId::parse(id);
  if (trace && custody_.taken(*trace) == nullptr)
    findings_.broken(fmt::format("custody: 250 is said of {}, which is nowhere", id));
}

}  // namespace letterlock::day

#include "sim/day/witness.h"

#include <algorithm>

#include "base/bytes.h"

namespace letterlock::day {
namespace {

constexpr std::size_t command_octets_max = 1024;

bool is_mail_door(std::uint16_t port) {
  return port == 25 || port == 465 || port == 587;
}
bool is_mailbox_door(std::uint16_t port) {
  return port == 110 || port == 995;
}

// The world's own plan: documentation's addresses are its internet, 10/8 is the platform's own.
hop::Network network_between(const net::IpAddress& a, const net::IpAddress& b) {
  if (a == b || a.is_loopback()) return hop::Network::local;
  const bool is_private = a.text().starts_with("10.") && b.text().starts_with("10.");
  return is_private ? hop::Network::private_ : hop::Network::public_;
}

// "\0user\0password"
std::string password_of_plain(std::string_view text) {
  const auto octets = base::from_base64(text);
  if (!octets) return {};
  const std::string_view all = *octets;
  const auto at = all.rfind('\0');
  return at == std::string_view::npos ? std::string() : std::string(all.substr(at + 1));
}

}  // namespace

void Witness::client_is(const net::Endpoint& from, const base::AccountId& account, bool binds) {
  clients_.insert_or_assign(from, Client{account, binds});
}

const Witness::Client* Witness::client_at(const net::Endpoint& end) const {
  const auto at = clients_.find(end);
  return at == clients_.end() ? nullptr : &at->second;
}

void Witness::crossed(const sim::Crossing& crossing) {
  const auto& accepted = crossing.is_client ? crossing.to : crossing.from;
  if (!is_mail_door(accepted.port) && !is_mailbox_door(accepted.port)) return;
  auto& talk = talks_[crossing.line];
  if (crossing.is_client) {
    if (client_at(crossing.from) != nullptr) commands(talk, crossing.octets);
  } else {
    answered(crossing, talk);
  }
  const bool may_carry = crossing.is_client == is_mail_door(accepted.port);
  if (!may_carry) return;
  auto& tail = talk.tails[crossing.is_client ? 0 : 1];
  const auto text = tail + std::string(crossing.octets);
  for (const auto& mark : marks_in(text)) marked(crossing, talk, mark);
  tail = text.substr(text.size() - std::min(text.size(), mark_octets - 1));
}

Crossed Witness::road(const sim::Crossing& crossing, Crossed::Kind kind) const {
  Crossed crossed;
  crossed.kind = kind;
  crossed.at = world_.now();
  crossed.network = network_between(crossing.from.address, crossing.to.address);
  crossed.in_clear = !crossing.is_protected;
  if (crossing.tls != nullptr) {
    const auto& client = crossing.is_client ? crossing.from : crossing.to;
    const auto& server = crossing.is_client ? crossing.to : crossing.from;
    // An MX host's name came out of a DNS that anybody may have forged.
    const bool knows_the_name =
        world_.people.contains(client.address) || world_.smart_host == server.address;
    crossed.server_verified = knows_the_name && crossing.tls->server_verified;
    crossed.post_quantum = crossing.tls->post_quantum;
  }
  return crossed;
}

void Witness::marked(const sim::Crossing& crossing, Conversation& talk, const Mark& mark) {
  using Kind = Crossed::Kind;
  const auto& accepted = crossing.is_client ? crossing.to : crossing.from;
  const auto kind = is_mailbox_door(accepted.port)                 ? Kind::fetch
                    : world_.nodes.contains(crossing.from.address) ? Kind::relay
                    : accepted.port == 25                          ? Kind::reception
                                                                   : Kind::submission;
  auto one = road(crossing, kind);
  one.is_content = mark.of != Mark::Of::subject;
  if (kind == Kind::fetch || kind == Kind::relay) attribute(crossing, mark.number, one);
  if (talk.known.emplace(mark.number, one.is_content, one.trace).second)
    crossings_[mark.number].push_back(std::move(one));
}

// The platform's own intents say what is under way to this peer; that they are there before the
// first octet is another shadow's care (wire). One alone is certain.
void Witness::attribute(const sim::Crossing& crossing, unsigned letter, Crossed& crossed) const {
  const bool is_fetch = crossed.kind == Crossed::Kind::fetch;
  const auto intents = transfers_.intents_for(letter, crossing.to.address,
                                              is_fetch ? hop::Kind::fetch : hop::Kind::relay);
  std::set<Owned> traces;
  if (!is_fetch) {
    for (const auto& intent : intents) traces.insert({intent.tenant, intent.trace});
  } else if (const auto* client = client_at(crossing.to)) {
    crossed.mailbox = client->account;
    const auto& owner = names_.address_of(client->account);
    for (const auto& intent : intents) {
      if (intent.hop->from.who != owner) continue;
      // Recorded where the mailbox is; the trace is of whoever sent it here.
      for (const auto* stay : stays_of(letter)) {
        if (stay->account == client->account && stay->trace.trace == intent.trace)
          traces.insert(stay->trace);
      }
    }
  }
  if (traces.size() == 1) crossed.trace = *traces.begin();
}

// ---- passwords ----

void Witness::commands(Conversation& talk, std::string_view octets) {
  if (talk.proof) return;
  talk.command += octets;
  for (auto end = talk.command.find("\r\n"); end != std::string::npos;
       end = talk.command.find("\r\n")) {
    const auto line = talk.command.substr(0, end);
    talk.command.erase(0, end + 2);
    if (line.starts_with("PASS ")) talk.proof = line.substr(5);
    if (line.starts_with("AUTH PLAIN ")) talk.proof = password_of_plain(line.substr(11));
    if (line.starts_with("AUTH SCRAM")) talk.proof.emplace();
    if (talk.proof) talk.proved = world_.now();
  }
  if (talk.command.size() > command_octets_max) talk.command.clear();
}

void Witness::answered(const sim::Crossing& crossing, Conversation& talk) {
  if (!talk.proof || crossing.octets.starts_with("+ ") || crossing.octets.starts_with("334"))
    return;
  const auto* client = client_at(crossing.to);
  if (client == nullptr) return;
  const auto proof = std::move(*talk.proof);
  talk.proof.reset();
  talk.command.clear();
  const bool is_welcome = crossing.octets.starts_with("+OK") || crossing.octets.starts_with("235");
  const bool is_his = passwords_.was_since(client->account, proof, talk.proved);
  if (is_welcome && !proof.empty() && !is_his)
    world_.broken("sign-in: " + names_.address_of(client->account) +
                  " came in with a password that is his no more");
  // The right password of somebody who may not come in was heard all the same.
  const bool was_checked = crossing.octets.starts_with("-ERR [AUTH]") && !proof.empty() && is_his;
  if (!is_welcome && !was_checked) return;
  if (client->binds) return;
  using To = PasswordsSeen::Shown::To;
  const auto way = road(crossing, Crossed::Kind::fetch);
  if (way.network == hop::Network::local) return;
  const auto show = [&](To to) {
    PasswordsSeen::Shown shown{to, way.network, world_.now(), proof, talk.proved};
    if (is_welcome)
      passwords_.shown(client->account, std::move(shown));
    else
      passwords_.shown_in_vain(client->account, std::move(shown));
  };
  if (way.in_clear && !proof.empty()) return show(To::listener);
  if (!way.server_verified) show(To::interferer);
  if (!way.post_quantum && !proof.empty()) show(To::recorder);
}

// ---- mailboxes ----

void Witness::committed(const Commit& commit) {
  passwords_.committed(commit, world_.now());
  for (const auto& row : commit.mails) {
    const auto at = there_.find(row.key);
    if (row.value && at == there_.end()) {
      const auto* what = custody_.taken(row.value->trace);
      if (what == nullptr || what->letter == nullptr) continue;
      const auto report = reports_.find(row.value->trace);
      const bool is_content = !what->report_of || (report != reports_.end() && report->second);
      stays_.push_back({row.account,
                        row.tenant,
                        {row.value->trace_owner, row.value->trace},
                        is_content,
                        world_.now(),
                        std::nullopt});
      there_[row.key] = &stays_.back();
      stays_of_[what->letter->number].push_back(&stays_.back());
    } else if (!row.value && at != there_.end()) {
      at->second->until = world_.now();
      there_.erase(at);
    }
  }
}

void Witness::report_holds(const base::TraceId& report, bool content) {
  reports_[report] = content;
  for (auto& stay : stays_) {
    if (stay.trace.trace == report) stay.is_content = content;
  }
}

const std::vector<Crossed>& Witness::crossings_of(unsigned letter) const {
  static const std::vector<Crossed> none;
  const auto at = crossings_.find(letter);
  return at == crossings_.end() ? none : at->second;
}

const std::vector<const Stay*>& Witness::stays_of(unsigned letter) const {
  static const std::vector<const Stay*> none;
  const auto at = stays_of_.find(letter);
  return at == stays_of_.end() ? none : at->second;
}

}  // namespace letterlock::day

#include "sim/day/people.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "drive/smtp_client.h"
#include "peers/mail_client.h"

namespace letterlock::day {
namespace {

using namespace std::chrono_literals;

constexpr int tries_max = 8;
constexpr drive::SmtpClientOptions waits{.greeting_wait = 2min,
                                         .command_wait = 2min,
                                         .handshake_wait = 1min,
                                         .data_start_wait = 2min,
                                         .data_block_wait = 2min,
                                         .data_end_wait = 5min};
// What operators ask for, the usual more than once.
constexpr std::array requirements{"",
                                  "",
                                  "level=encrypted",
                                  "level=encrypted",
                                  "level=encrypted tls=1.3",
                                  "level=authenticated",
                                  "fetch=protected",
                                  "network=private"};

class Text final : public drive::SmtpContent {
 public:
  explicit Text(std::string_view octets) : octets_(octets) {}
  net::ResultTask<std::string_view> next() override {
    const auto part = octets_.substr(0, 16 * 1024);
    octets_.remove_prefix(part.size());
    co_return part;
  }

 private:
  std::string_view octets_;
};

smtp::Reply refused(const smtp::Reply& reply) {
  return reply.is_positive() ? smtp::reply(451, "no word that ends it") : reply;
}

}  // namespace

People::People(Site& site, Letters& letters, const Custody& custody, Readers::Comes comes)
    : site_(site),
      comes_(std::move(comes)),
      letters_(letters),
      custody_(custody),
      random_(site.world.random().fork("people")),
      gate_(site.world.loop()) {}

base::Milliseconds People::moment(base::Milliseconds span) {
  return base::Milliseconds(
      static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(span.count()))));
}

Node& People::any_node() {
  return *site_.nodes[random_.below(site_.nodes.size())];
}

void People::begin(const Plan& plan) {
  for (unsigned i = 0; i < plan.submissions; ++i) gate_.start(write(moment(plan.span), nullptr));
  for (unsigned i = 0; i < plan.receptions; ++i) gate_.start(bring(moment(plan.span)));
  for (unsigned i = 0; i < plan.requirements; ++i) gate_.start(require(moment(plan.span)));
  for (unsigned i = 0; i < plan.babblers; ++i) gate_.start(babble(moment(plan.span)));
  for (unsigned i = 0; i < plan.crowds; ++i) crowd(plan.span);
}

// Their mail meets at that domain's hosts, over sessions that are kept.
void People::crowd(base::Milliseconds span) {
  const auto when = moment(span);
  const auto& to = site_.domains[random_.below(site_.domains.size())];
  for (auto count = random_.between(3, 8); count > 0; --count)
    gate_.start(write(when + base::Milliseconds(random_.below(4000)), &to));
}

std::vector<std::string> People::recipients() {
  std::vector<std::string> all;
  const auto count = random_.below(3) == 0 ? random_.between(2, 6) : random_.between(1, 2);
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string one;
    switch (random_.below(12)) {
      case 0:
        one = "nobody@" + site_.tenants[random_.below(site_.tenants.size())].name;
        break;
      case 1:
      case 2:
      case 3:
        one = any_address(site_.people[random_.below(site_.people.size())]);
        break;
      case 4:
      case 5:
        one = site_.lists[random_.below(site_.lists.size())];
        break;
      case 6:
        one = fmt::format("fr\xc3\xa4ulein{}@{}", random_.below(3),
                          site_.domains[random_.below(site_.domains.size())].name);
        break;
      default:
        one = fmt::format("friend{}@{}", random_.below(3),
                          site_.domains[random_.below(site_.domains.size())].name);
    }
    if (std::ranges::find(all, one) == all.end()) all.push_back(std::move(one));
  }
  return all;
}

// His own most often, else one more of them, or one with a detail.
std::string People::any_address(const Person& person) {
  const auto& more = person.more_addresses;
  switch (random_.below(6)) {
    case 0:
      return more.empty() ? person.address : more[random_.below(more.size())];
    case 1:
      return std::string(person.address).insert(person.address.find('@'), "+lists");
    default:
      return person.address;
  }
}

// Somebody of the same house, and nobody else.
std::vector<std::string> People::colleague(const Person& author) {
  std::vector<std::string> others;
  for (const auto& person : site_.people) {
    if (person.tenant == author.tenant) others.push_back(person.address);
  }
  return {others[random_.below(others.size())]};
}

// ---- writing ----

net::Task<> People::write(base::Milliseconds after, const Domain* to) {
  if (!co_await site_.world.timers().sleep(after)) co_return;
  const auto& author = site_.people[random_.below(site_.people.size())];
  const auto from = any_address(author);
  auto whom = to != nullptr ? std::vector{fmt::format("friend{}@{}", random_.below(3), to->name)}
              : random_.below(5) == 0 ? colleague(author)
                                      : recipients();
  const auto& letter =
      letters_.write({author.address, random_.below(12) == 0 ? "" : from, from, std::move(whom)});
  given_[letter.number] = {author.tenant, site_.now(), {}};
  co_await give(&letter, nullptr);
}

net::Task<> People::bring(base::Milliseconds after) {
  if (!co_await site_.world.timers().sleep(after)) co_return;
  const auto& from = site_.domains[random_.below(site_.domains.size() - 1)];
  const auto author = "friend@" + from.name;
  std::vector<std::string> to;
  for (const auto& person : site_.people) {
    if (random_.below(3) == 0) to.push_back(any_address(person));
  }
  if (random_.below(3) == 0) to.push_back(site_.lists[random_.below(site_.lists.size())]);
  if (to.empty()) to.push_back(site_.people.front().address);
  const auto& letter =
      letters_.write({"", random_.below(6) == 0 ? "" : author, author, std::move(to)});
  given_[letter.number] = {{}, site_.now(), {}};
  co_await give(&letter, &from);
}

// As long as there is no final word, it is tried again: each time as a letter of its own, for any
// of them may have been taken.
net::Task<> People::give(const Letter* letter, const Domain* from) {
  std::vector<unsigned> tried_as;
  for (int tries = 0; tries < tries_max; ++tries) {
    if (tries > 0) {
      const auto& again = letters_.again(*letter);
      given_[again.number] = {given_[letter->number].tenant, site_.now(), {}};
      letter = &again;
    }
    tried_as.push_back(letter->number);
    const auto tried = from == nullptr ? co_await submit(letter) : co_await transfer(letter, from);
    if (tried) {
      site_.findings.note(fmt::format("letter {}: {}", letter->number, tried->reply.text()));
      if (tried->reply.is_positive()) promised(*letter, *tried);
      if (!tried->reply.is_temporary()) break;
    } else {
      site_.findings.note(fmt::format("letter {}: {}", letter->number, tried.error().what));
      if (tried.error().kind == base::ErrorKind::cancelled) co_return;
    }
    if (!co_await site_.world.timers().sleep(1min + moment(15min))) co_return;
  }
  for (const auto number : tried_as) given_[number].last = site_.now();
}

void People::promised(const Letter& letter, const Tried& tried) {
  const auto trace = base::TraceId::parse(peers::trace_in(tried.reply));
  if (!trace) {
    site_.findings.broken(fmt::format("letter {}: a 250 without a trace", letter.number));
    return;
  }
  for (const auto& recipient : tried.taken) {
    if (!custody_.took(*trace, recipient))
      site_.findings.broken(
          fmt::format("custody: letter {} was answered 250 for {}, who is forgotten", letter.number,
                      recipient));
  }
  promises_.push_back({&letter, *trace, tried.taken});
}

net::ResultTask<std::unique_ptr<net::Connection>> People::connect(sim::Host* host,
                                                                  std::uint16_t port) {
  auto connection =
      co_await host->connect({any_node().host().addresses().front(), port}, {.timeout = 30s});
  co_return connection;
}

net::ResultTask<People::Tried> People::submit(const Letter* letter) {
  const auto& author = *site_.person(letter->account);
  const bool tls_first = random_.below(2) == 0;
  CO_TRY(auto connection, co_await connect(&site_.client, tls_first ? 465 : 587));
  const bool binds = author.habit == Person::Habit::bound || author.habit == Person::Habit::proving;
  comes_(connection->local(), author, binds);
  drive::SmtpClient client(std::move(connection), site_.world.clock(), any_way());
  tls::ClientOptions tls;
  tls.server_name = std::string(host_name);
  const bool verifies = author.habit != Person::Habit::careless || random_.below(2) == 0;
  if (verifies) tls.verify = tls::ClientOptions::Verify::name;
  if (tls_first) CO_CHECK(co_await client.begin_tls(site_.client_tls, tls));
  CO_TRY(auto said, co_await client.greeting());
  if (said.is_positive()) {
    CO_TRY(said, co_await client.ehlo("[198.51.100.7]"));
  }
  if (said.is_positive() && !tls_first) {
    CO_TRY(said, co_await client.start_tls(site_.client_tls, tls));
    if (said.is_positive()) {
      CO_TRY(said, co_await client.ehlo("[198.51.100.7]"));
    }
  }
  if (!said.is_positive()) co_return Tried{said, {}};
  if (verifies && !client.tls()->peer_verified())
    co_return Tried{smtp::reply(451, "the server doesn't prove its name"), {}};
  sasl::ClientOptions sign_in{.mechanism = sasl::Mechanism::plain,
                              .user = letter->account,
                              .password = author.password,
                              .rounds_min = 1};
  if (binds) {
    sign_in.mechanism = sasl::Mechanism::scram_sha_256_plus;
    sign_in.nonce = sasl::nonce_from(site_.world.random().octets(18));
    CO_TRY(sign_in.channel_binding,
           client.tls()->exporter(sasl::channel_binding_label, "", sasl::channel_binding_octets));
  }
  CO_TRY(said, co_await client.sign_in(std::move(sign_in), site_.workers));
  if (!said.is_positive()) co_return Tried{said, {}};
  co_return co_await transact(client, letter);
}

net::ResultTask<People::Tried> People::transfer(const Letter* letter, const Domain* from) {
  CO_TRY(auto connection, co_await connect(&from->hosts.front()->host(), 25));
  drive::SmtpClient client(std::move(connection), site_.world.clock(), any_way());
  CO_TRY(auto said, co_await client.greeting());
  if (!said.is_positive()) co_return Tried{said, {}};
  CO_TRY(said, co_await client.ehlo(from->hosts.front()->name()));
  if (said.is_positive() && client.offered().starttls && from->kind != Domain::Kind::clear) {
    CO_TRY(said, co_await client.start_tls(from->hosts.front()->tls(), {}));
    if (said.is_positive()) {
      CO_TRY(said, co_await client.ehlo(from->hosts.front()->name()));
    }
  } else if (from->kind == Domain::Kind::strict) {
    co_return Tried{smtp::reply(451, "no TLS, no mail"), {}};
  }
  if (!said.is_positive()) co_return Tried{said, {}};
  co_return co_await transact(client, letter);
}

// By DATA or by BDAT.
drive::SmtpClientOptions People::any_way() {
  auto options = waits;
  if (random_.below(2) == 0)
    options.transfer = drive::SmtpClientOptions::Transfer::chunks_if_offered;
  return options;
}

net::ResultTask<People::Tried> People::transact(drive::SmtpClient& client, const Letter* letter) {
  smtp::Mail mail;
  CO_TRY(mail.from, address::ReversePath::from_text(letter->mail_from));
  mail.smtputf8 = letter->smtputf8;
  if (letter->eight_bit) mail.body = smtp::Body::eight_bit_mime;
  mail.dsn = letter->params;
  std::vector<smtp::Rcpt> rcpts;
  for (std::size_t i = 0; i < letter->recipients.size(); ++i) {
    smtp::Rcpt rcpt;
    CO_TRY(rcpt.to, address::Address::parse(letter->recipients[i]));
    rcpt.dsn.notify = letter->notify[i];
    rcpts.push_back(std::move(rcpt));
  }
  CO_TRY(const auto envelope, co_await client.envelope(std::move(mail), std::move(rcpts)));
  if (envelope.unfit) co_return Tried{smtp::reply(554, envelope.unfit->why), {}};
  if (!envelope.mail.is_positive()) co_return Tried{refused(envelope.mail), {}};
  Tried tried;
  for (std::size_t i = 0; i < envelope.recipients.size(); ++i) {
    if (envelope.recipients[i].is_positive()) tried.taken.push_back(letter->recipients[i]);
  }
  if (tried.taken.empty()) co_return Tried{refused(envelope.recipients.front()), {}};
  Text text(letter->content);
  CO_TRY(tried.reply, co_await client.content(letter->content.size(), text));
  if (random_.below(2) == 0) co_await client.quit();
  co_return tried;
}

// ---- ruling ----

net::Task<> People::require(base::Milliseconds after) {
  if (!co_await site_.world.timers().sleep(after)) co_return;
  auto& tenant = site_.tenants[random_.below(site_.tenants.size())];
  directory::TenantChange change;
  change.requirement = requirements[random_.below(requirements.size())];
  auto required = hop::requirement_from(*change.requirement, {});
  if (!required) co_return;
  const auto number = tenant.asked.size();
  tenant.asked.push_back({std::move(*required), site_.now(), {}});
  site_.findings.note(fmt::format("{} requires \"{}\"", tenant.name, *change.requirement));
  const auto set = co_await site_.operations.set_tenant(tenant.name, change, "day");
  // Only what was said to be done is certain to have replaced what was before.
  if (!set) co_return;
  for (std::size_t i = 0; i < number; ++i) {
    if (!tenant.asked[i].until) tenant.asked[i].until = site_.now();
  }
}

// A stranger at one of the doors: pieces of a dialogue in any order, and octets of no meaning.
net::Task<> People::babble(base::Milliseconds after) {
  static constexpr std::array<std::uint16_t, 5> doors{25, 25, 587, 465, 110};
  static constexpr std::array pieces{"EHLO evil.example\r\n",
                                     "MAIL FROM:<>\r\n",
                                     "RCPT TO:<bob@birch.example>\r\n",
                                     "RCPT TO:<friend0@modern.example>\r\n",
                                     "DATA\r\n",
                                     "From: <eve@evil.example>\r\n\r\nhello\r\n",
                                     "\r\n.\r\n",
                                     "\n.\n",
                                     "BDAT 10\r\n",
                                     "BDAT 0 LAST\r\n",
                                     "STARTTLS\r\n",
                                     "AUTH PLAIN AGJvYgBib2I=\r\n",
                                     "USER bob@birch.example\r\n",
                                     "PASS guess\r\n",
                                     "QUIT\r\n"};
  if (!co_await site_.world.timers().sleep(after)) co_return;
  auto connection = co_await connect(&site_.client, doors[random_.below(doors.size())]);
  if (!connection) co_return;
  std::array<char, 1024> heard{};
  for (auto left = random_.between(1, 16); left > 0; --left) {
    const std::string said = random_.below(6) == 0 ? random_.octets(random_.between(1, 200))
                                                   : pieces[random_.below(pieces.size())];
    if (!co_await (*connection)->write(said, 1min)) break;
    if (random_.below(2) == 0 && !co_await (*connection)->read_some(heard, 5s)) break;
  }
}

hop::Requirement People::required(const Letter& letter) const {
  const auto at = given_.find(letter.number);
  if (at == given_.end() || !at->second.tenant) return {};
  const auto& given = at->second;
  return site_.weakest(*given.tenant, given.first, given.last.value_or(site_.now()));
}

hop::Requirement People::required_by(const Letter& letter, const base::TenantId& tenant,
                                     base::Milliseconds until) const {
  const auto at = given_.find(letter.number);
  const auto its = std::ranges::find(site_.tenants, tenant, &Tenant::id);
  if (at == given_.end() || its == site_.tenants.end()) return {};
  return site_.weakest(static_cast<std::size_t>(its - site_.tenants.begin()), at->second.first,
                       until);
}

}  // namespace letterlock::day

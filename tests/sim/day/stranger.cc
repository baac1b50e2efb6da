#include "sim/day/stranger.h"

#include <array>

#include "sasl/testing.h"

namespace letterlock::day {
namespace {

using Stage = unsigned;  // of the answers that a server gives: 0 is the greeting, 4 the last

smtp::Reply later(sim::Random& random) {
  switch (random.below(4)) {
    case 0:
      return smtp::reply(421, dsn::Status{4, 3, 2}, "going down");
    case 1:
      return smtp::reply(452, dsn::Status{4, 3, 1}, "full");
    case 2:
      return smtp::reply(450, dsn::Status{4, 2, 1}, "busy");
    default:
      return smtp::reply(451, dsn::Status{4, 7, 1}, "grey");
  }
}

smtp::Reply never(sim::Random& random) {
  switch (random.below(3)) {
    case 0:
      return smtp::reply(550, dsn::Status{5, 1, 1}, "nobody");
    case 1:
      return smtp::reply(552, dsn::Status{5, 2, 2}, "over quota");
    default:
      return smtp::reply(554, dsn::Status{5, 7, 1}, "we don't like you");
  }
}

}  // namespace

class Stranger::Session final : public drive::SmtpHandler {
 public:
  Session(Stranger& stranger, bool offers_dsn) : stranger_(stranger), offers_dsn_(offers_dsn) {}

  net::Task<smtp::Reply> on_connect() override { return say(smtp::reply(220, ""), {}); }
  net::Task<> on_tls(const tls::Session& session) override {
    facts_ = session.facts();
    co_return;
  }
  net::ResultTask<drive::SmtpAccount> on_auth_keys(std::string user, sasl::Mechanism) override {
    const auto& expected = stranger_.customer;
    if (expected && expected->user == user)
      co_return drive::SmtpAccount{expected->keys, sasl::Standing::welcome};
    co_return drive::SmtpAccount{sasl::fake_keys("0123456789abcdef", user, sasl::rounds_min),
                                 sasl::Standing::refused};
  }
  net::ResultTask<sasl::Standing> on_auth_check(sasl::NeedCheck check) override {
    const auto& expected = stranger_.customer;
    const bool fits = expected && expected->user == check.user &&
                      sasl::password_matches(check.password, expected->keys);
    co_return fits ? sasl::Standing::welcome : sasl::Standing::refused;
  }
  net::Task<smtp::Reply> on_authenticated(sasl::Success, sasl::Mechanism) override {
    return say(smtp::reply(235, dsn::Status{2, 7, 0}, "welcome"), {});
  }
  net::Task<smtp::Reply> on_mail(smtp::Mail mail) override {
    now_ = {};
    now_.offers_dsn = offers_dsn_;
    now_.params = mail.dsn;
    now_.mail_from = mail.from.text();
    return say(smtp::reply(250, dsn::status::ok, "go on"), {});
  }
  net::Task<smtp::Reply> on_rcpt(smtp::Rcpt rcpt) override {
    auto said =
        co_await say(smtp::reply(250, dsn::status::address_valid, "known"), {rcpt.to.text()});
    if (said.is_positive()) {
      now_.recipients.push_back(rcpt.to.text());
      now_.asked.push_back(rcpt.dsn);
    }
    co_return said;
  }
  net::Task<smtp::Reply> on_content_begin() override {
    return say(smtp::reply(354, "go on"), now_.recipients);
  }
  net::ResultTask<> on_content(std::string_view octets) override {
    now_.content += octets;
    stranger_.told_.received(octets, facts_);
    co_return base::Result<>();
  }
  net::Task<smtp::Reply> on_content_end(smtp::ContentFacts) override {
    auto said = co_await say(smtp::reply(250, dsn::status::ok, "taken"), now_.recipients);
    // From here on it is this MTA's, whether its answer arrives or not.
    if (said.is_positive()) stranger_.told_.taken(stranger_, now_);
    now_ = {};
    co_return said;
  }
  net::Task<> on_reset() override {
    now_ = {};
    co_return;
  }

 private:
  net::Task<smtp::Reply> say(smtp::Reply usual, std::vector<std::string> recipients) {
    const auto now = stranger_.mood;
    auto& random = stranger_.random_;
    if (random.chance(now.slow)) {
      const auto pause = random.below(static_cast<std::uint64_t>(now.pause_max.count()) + 1);
      (void)co_await stranger_.world_.timers().sleep(
          base::Milliseconds(static_cast<std::int64_t>(pause)));
    }
    if (random.chance(now.later)) co_return later(random);
    if (random.chance(now.never)) {
      stranger_.told_.refused(stranger_, recipients);
      co_return never(random);
    }
    co_return usual;
  }

  Stranger& stranger_;
  bool offers_dsn_;
  hop::TlsFacts facts_;
  Taken now_;
};

Stranger::Stranger(sim::World& world, sim::Host& host, std::string name, Told told)
    : world_(world),
      host_(host),
      name_(std::move(name)),
      told_(std::move(told)),
      tls_(world, name_),
      random_(world.random().fork(name_ + " moods")),
      gate_(world.loop()) {
  tls_.settings.identities = {sim::identity_for(name_, "the CA")};
}

void Stranger::open() {
  if (listener_) return;
  auto listener = host_.listen({host_.addresses().front(), 25});
  if (!listener) return;
  listener_ = std::move(*listener);
  gate_.start(accept(listener_));
}

void Stranger::crash() {
  if (listener_) listener_->close();
  listener_.reset();
  host_.crash(sim::Host::Crash::process);
}

net::Task<> Stranger::accept(std::shared_ptr<net::Listener> listener) {
  while (true) {
    auto connection = co_await listener->accept();
    if (!connection) co_return;
    if (!gate_.start(session(std::move(*connection)))) co_return;
  }
}

net::Task<> Stranger::session(std::unique_ptr<net::Connection> connection) {
  if (random_.chance(mood.garbage)) {
    co_await garble(std::move(connection));
    co_return;
  }
  drive::SmtpServerOptions options;
  if (auto host = address::Domain::parse(name_)) options.session.host_name = std::move(*host);
  options.session.tls = mood.tls;
  options.session.dsn = random_.chance(500);
  options.session.chunking = random_.chance(500);
  options.session.smtputf8 = random_.chance(800);
  if (customer) {
    options.session.authentication = smtp::Need::required;
    // SCRAM asks for rounds that cost.
    if (customer->keys.rounds >= sasl::rounds_min)
      options.session.mechanisms.push_back(sasl::Mechanism::scram_sha_256_plus);
    options.session.mechanisms.push_back(sasl::Mechanism::plain);
  }
  Session session(*this, options.session.dsn);
  drive::SmtpServer server(std::move(connection), session, {world_.clock(), world_.random(), &tls_},
                           options);
  co_await server.run();
}

// Octets that are no reply, mostly; never one that says yes.
net::Task<> Stranger::garble(std::unique_ptr<net::Connection> connection) {
  std::array<char, 512> heard{};
  for (int i = 0; i < 4; ++i) {
    auto octets = random_.octets(random_.between(1, 40));
    if (octets.front() == '2' || octets.front() == '3') octets.front() = 'x';
    told_.refused(*this, {});
    if (random_.chance(500)) octets = "554-no\r\n" + octets + "\r\n";
    if (!co_await connection->write(octets, std::chrono::minutes(1))) break;
    if (!co_await connection->read_some(heard, std::chrono::minutes(2))) break;
  }
  connection->close();
}

net::Task<> Stranger::close() {
  if (listener_) listener_->close();
  listener_.reset();
  co_await gate_.close(world_.timers(), base::Milliseconds(0));
}

}  // namespace letterlock::day

#include "peers/outside_mta.h"

#include <algorithm>

namespace letterlock::peers {
namespace {

constexpr auto again = std::chrono::milliseconds(100);  // after an accept that failed

}  // namespace

class OutsideMta::Session final : public drive::SmtpHandler {
 public:
  explicit Session(OutsideMta& mta) : mta_(mta) {}

  net::Task<smtp::Reply> on_connect() override {
    co_return co_await say(Stage::connect, smtp::reply(220, ""));
  }
  net::Task<> on_tls(const tls::Session&) override {
    over_ = Received::Over::tls;
    co_return;
  }
  net::Task<smtp::Reply> on_mail(smtp::Mail mail) override {
    now_ = {.mail_from = mail.from.text(), .over = over_};
    co_return co_await say(Stage::mail, smtp::reply(250, dsn::status::ok, "go on"));
  }
  net::Task<smtp::Reply> on_rcpt(smtp::Rcpt rcpt) override {
    auto said = co_await say(Stage::rcpt, smtp::reply(250, dsn::status::address_valid, "known"));
    if (said.is_positive()) now_.recipients.push_back(rcpt.to.text());
    co_return said;
  }
  net::Task<smtp::Reply> on_content_begin() override {
    co_return co_await say(Stage::content_begin, smtp::reply(354, "go on"));
  }
  net::ResultTask<> on_content(std::string_view octets) override {
    const auto room = mta_.options_.content_octets_max - now_.content.size();
    now_.content += octets.substr(0, room);
    now_.octets += octets.size();
    co_return base::Result<>();
  }
  net::Task<smtp::Reply> on_content_end(smtp::ContentFacts) override {
    auto said = co_await say(Stage::content_end, smtp::reply(250, dsn::status::ok, "taken"));
    if (said.is_positive()) mta_.keep(std::move(now_));
    now_ = {};
    co_return said;
  }
  net::Task<> on_reset() override {
    now_ = {};
    co_return;
  }

 private:
  net::Task<smtp::Reply> say(Stage stage, smtp::Reply usual) {
    if (mta_.options_.pause.count() > 0)
      (void)co_await mta_.world_.timers.sleep(mta_.options_.pause);
    const auto refusal = std::ranges::find(mta_.options_.refusals, stage, &Refusal::stage);
    co_return refusal == mta_.options_.refusals.end() ? std::move(usual) : refusal->reply;
  }

  OutsideMta& mta_;
  Received::Over over_ = Received::Over::clear;
  Received now_;
};

base::Result<std::unique_ptr<OutsideMta>> OutsideMta::create(World world, Options options) {
  drive::SmtpServerOptions server;
  server.session.host_name = TRY(address::Domain::parse(options.host_name));
  server.session.tls = options.tls != nullptr ? smtp::Need::offered : smtp::Need::none;
  return std::unique_ptr<OutsideMta>(new OutsideMta(world, std::move(options), std::move(server)));
}

OutsideMta::OutsideMta(World world, Options options, drive::SmtpServerOptions server)
    : world_(world), options_(std::move(options)), server_(std::move(server)), gate_(world.loop) {}

OutsideMta::~OutsideMta() = default;

void OutsideMta::serve(std::unique_ptr<net::Listener> listener) {
  listeners_.push_back(std::move(listener));
  gate_.start(accept(listeners_.back()));
}

net::Task<> OutsideMta::accept(std::shared_ptr<net::Listener> listener) {
  while (true) {
    auto accepted = co_await listener->accept();
    if (accepted) {
      if (!gate_.start(session(std::move(*accepted)))) co_return;
      continue;
    }
    const auto kind = accepted.error().kind;
    if (kind == base::ErrorKind::closed || kind == base::ErrorKind::cancelled) co_return;
    if (!co_await world_.timers.sleep(again)) co_return;
  }
}

net::Task<> OutsideMta::session(std::unique_ptr<net::Connection> connection) {
  Session session(*this);
  drive::SmtpServer server(std::move(connection), session,
                           {world_.clock, world_.random, options_.tls}, server_);
  co_await server.run();
}

net::Task<> OutsideMta::close() {
  for (const auto& listener : listeners_) listener->close();
  co_await gate_.close(world_.timers, base::Milliseconds(0));
}

void OutsideMta::keep(Received received) {
  const std::scoped_lock lock(mutex_);
  ++count_;
  if (received_.size() < options_.kept_max) received_.push_back(std::move(received));
}

std::vector<OutsideMta::Received> OutsideMta::received() const {
  const std::scoped_lock lock(mutex_);
  return received_;
}

std::uint64_t OutsideMta::count() const {
  const std::scoped_lock lock(mutex_);
  return count_;
}

}  // namespace letterlock::peers

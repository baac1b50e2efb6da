#include "popd/popd.h"

#include "popd/handler.h"

namespace letterlock::popd {
namespace {

using base::ErrorKind;

constexpr base::Milliseconds accept_pause = std::chrono::milliseconds(100);
// What a stop waits for an outcome that is being recorded.
constexpr base::Milliseconds outcome_grace = std::chrono::seconds(10);

std::string_view name(Popd::Entry entry) {
  switch (entry) {
    case Popd::Entry::tls:
      return "tls";
    case Popd::Entry::stls:
      return "stls";
    case Popd::Entry::clear:
      return "clear";
  }
  return "";
}

}  // namespace

struct Popd::State {
  State(Ports given, Options chosen)
      : ports(given), options(std::move(chosen)), sessions(ports.loop), outcomes(ports.loop) {}

  struct Came {
    std::unique_ptr<net::Connection> connection;
    net::Admission::Ticket ticket;
    Entry entry;
    protection::Loopback loopback;
  };
  static net::Task<> session(State& state, Came came);
  static net::Task<> turn_away(std::unique_ptr<net::Connection> connection,
                               net::Admission::LastWords held, Entry entry);

  Ports ports;
  Options options;
  drive::Sessions conversations;
  net::Gate sessions;
  net::Gate outcomes;
  std::vector<std::weak_ptr<net::Listener>> listeners;
};

Popd::Popd(Ports ports, Options options)
    : state_(std::make_unique<State>(ports, std::move(options))) {}
Popd::~Popd() = default;

net::Task<> Popd::State::session(State& state, Came came) {
  auto held = std::move(came.ticket);
  const auto peer = came.connection->peer();
  const auto network =
      protection::network_of(*came.connection, state.options.networks, came.loopback);
  auto options = state.options.session;
  options.entry = came.entry;
  const auto handler =
      std::make_unique<Handler>(state.ports, state.options, state.outcomes,
                                Handler::Ends{peer, came.entry == Entry::tls, network, &held});
  drive::PopServer server({state.ports.tls, state.ports.timers, state.ports.clock,
                           state.ports.random, &state.conversations},
                          std::move(options));
  const auto end = co_await server.serve(std::move(came.connection), *handler);
  state.ports.events.emit({base::Severity::info,
                           "fetch.session_ended",
                           {{"tenant", handler->tenant()},
                            {"account", handler->login()},
                            {"peer", peer.text()},
                            {"entry", std::string(name(came.entry))},
                            {"why", std::string(drive::name(end.why))},
                            {"fetched", std::to_string(handler->fetched())},
                            {"deleted", std::to_string(handler->deleted())},
                            {"detail", end.detail}}});
}

// RFC 3206 §4: [SYS/TEMP]. Where TLS comes first it is TLS's own alert: a handshake would cost more
// than the session.
net::Task<> Popd::State::turn_away(std::unique_ptr<net::Connection> connection,
                                   net::Admission::LastWords held, Entry entry) {
  const auto telling = std::move(held);
  co_await drive::tell_and_close(
      *connection, entry == Entry::tls ? tls::no_place_alert
                                       : "-ERR [SYS/TEMP] too many connections, try later\r\n");
}

void Popd::take(std::unique_ptr<net::Connection> connection, Entry entry,
                protection::Loopback loopback) {
  auto why = net::Admission::Refused::full;
  auto ticket = state_->ports.admission.admit(net::Purpose::fetch, connection->peer().address,
                                              state_->ports.clock.steady(), why);
  if (!ticket) {
    state_->ports.events.emit(
        {base::Severity::warning,
         "fetch.no_place",
         {{"peer", connection->peer().text()}, {"why", std::string(net::name(why))}}});
    if (auto words = state_->ports.admission.last_words())
      state_->sessions.start(State::turn_away(std::move(connection), std::move(*words), entry));
    return;
  }
  state_->sessions.start(
      State::session(*state_, {std::move(connection), std::move(*ticket), entry, loopback}));
}

net::Task<> Popd::run(std::shared_ptr<net::Listener> listener, Entry entry) {
  state_->listeners.push_back(listener);
  while (true) {
    auto accepted = co_await listener->accept();
    if (accepted) {
      take(std::move(*accepted), entry);
      continue;
    }
    const auto kind = accepted.error().kind;
    if (kind == ErrorKind::cancelled || kind == ErrorKind::closed) co_return;
    // Out of descriptors, say: it passes.
    if (!co_await state_->ports.timers.sleep(accept_pause)) co_return;
  }
}

net::Task<> Popd::close(base::Milliseconds grace) {
  for (const auto& listener : state_->listeners) {
    if (const auto open = listener.lock()) open->close();
  }
  state_->conversations.stop();
  co_await state_->sessions.close(state_->ports.timers, grace);
  co_await state_->outcomes.close(state_->ports.timers, outcome_grace);
}

}  // namespace letterlock::popd

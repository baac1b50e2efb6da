// Somebody else's MTA with moods: honest, slow, failing at any stage, speaking garbage, offering
// TLS or not. What it has said 250 to is told to the shadow, with the session that it came over.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drive/smtp_server.h"
#include "sim/network.h"
#include "sim/tls.h"

namespace letterlock::day {

// In thousandths, of each answer or session.
struct Mood {
  unsigned later = 0;    // 4yz
  unsigned never = 0;    // 5yz
  unsigned slow = 0;     // answers after a while, up to `pause_max`
  unsigned garbage = 0;  // sessions that aren't SMTP at all
  base::Milliseconds pause_max{0};
  smtp::Need tls = smtp::Need::offered;
};

class Stranger {
 public:
  struct Taken {
    std::string mail_from;
    std::vector<std::string> recipients;
    std::string content;
    // What it was told of reports, where it offers to make them.
    bool offers_dsn = false;
    dsn::MailParams params;
    std::vector<dsn::RcptParams> asked;  // one for each recipient
  };
  struct Told {
    std::function<void(Stranger&, const Taken&)> taken;
    std::function<void(std::string_view octets, const hop::TlsFacts&)> received;
    // 5yz to these, or to whoever asks in this session.
    std::function<void(Stranger&, const std::vector<std::string>&)> refused;
  };
  Stranger(sim::World& world, sim::Host& host, std::string name, Told told);

  void open();
  // Its process dies; it comes back with open().
  void crash();
  // Ends its sessions and waits for them.
  net::Task<> close();

  const std::string& name() const { return name_; }
  sim::Host& host() { return host_; }
  sim::Tls& tls() { return tls_; }
  Mood mood;
  // It takes mail from whoever signs in with these, and from nobody else.
  struct Customer {
    std::string user;
    sasl::ScramKeys keys;
  };
  std::optional<Customer> customer;

 private:
  class Session;
  net::Task<> accept(std::shared_ptr<net::Listener> listener);
  net::Task<> session(std::unique_ptr<net::Connection> connection);
  net::Task<> garble(std::unique_ptr<net::Connection> connection);

  sim::World& world_;
  sim::Host& host_;
  std::string name_;
  Told told_;
  sim::Tls tls_;
  sim::Random random_;
  net::Gate gate_;
  std::shared_ptr<net::Listener> listener_;
};

}  // namespace letterlock::day

// Somebody else's MTA, small: takes mail for anybody and keeps it in memory, so that a test or the
// demonstration can look at what arrived and how. It can be slow, and refuse where it is told to.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "drive/smtp_server.h"
#include "net/connection.h"
#include "net/loop.h"

namespace letterlock::peers {

class OutsideMta {
 public:
  struct World {
    net::Loop& loop;
    net::Timers& timers;
    os::Clock& clock;
    os::Random& random;
  };

  enum class Stage { connect, mail, rcpt, content_begin, content_end };
  struct Refusal {
    Stage stage = Stage::rcpt;
    smtp::Reply reply;
  };
  struct Options {
    std::string host_name;
    tls::Tls* tls = nullptr;      // null: STARTTLS isn't even offered
    base::Milliseconds pause{0};  // before each answer
    std::vector<Refusal> refusals;
    std::size_t kept_max = 1000;                   // messages; those beyond are only counted
    std::size_t content_octets_max = 1024 * 1024;  // kept of each message
  };

  struct Received {
    std::string mail_from;  // empty: the null reverse-path
    std::vector<std::string> recipients;
    std::string content;  // its beginning, as far as it is kept
    std::uint64_t octets = 0;
    enum class Over { clear, tls } over = Over::clear;
  };

  // Lives on its loop; received() and count() may be asked from anywhere. Errors: invalid (the host
  // name).
  static base::Result<std::unique_ptr<OutsideMta>> create(World world, Options options);
  ~OutsideMta();  // after close()

  // Sessions on what comes in, until close().
  void serve(std::unique_ptr<net::Listener> listener);
  // One session on a connection that is there already. To its end.
  net::Task<> session(std::unique_ptr<net::Connection> connection);
  // Ends the listeners and the sessions.
  net::Task<> close();

  std::vector<Received> received() const;
  std::uint64_t count() const;

 private:
  class Session;
  OutsideMta(World world, Options options, drive::SmtpServerOptions server);
  net::Task<> accept(std::shared_ptr<net::Listener> listener);
  void keep(Received received);

  World world_;
  Options options_;
  drive::SmtpServerOptions server_;
  net::Gate gate_;
  std::vector<std::shared_ptr<net::Listener>> listeners_;
  mutable std::mutex mutex_;  // what follows
  std::vector<Received> received_;
  std::uint64_t count_ = 0;
};

}  // namespace letterlock::peers

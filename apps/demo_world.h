// The demonstration's world: a real platform on loopback with its own authority, names and store,
// and the outside peers that it exchanges mail with. All of it lies in one temporary folder.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "admin/server.h"
#include "apps/platform.h"
#include "apps/real_world.h"
#include "net/local.h"
#include "net/tcp.h"
#include "os/log.h"
#include "os/temporary.h"
#include "peers/mail_client.h"
#include "peers/name_server.h"
#include "peers/outside_mta.h"
#include "tls/authority.h"
#include "tls/openssl.h"

namespace letterlock::apps {

// Lives on the real world's first loop.
class DemoWorld {
 public:
  static constexpr const char* host_name = "mail.letterlock.example";

  // Makes everything and listens. Blocks. Errors: with what could not be made.
  static base::Result<std::unique_ptr<DemoWorld>> create();

  net::Loop& loop() { return world_->first_loop(); }
  // Runs the loops; the first one on this thread. Until end_run(), which stop() comes before.
  void run() { world_->run(); }
  void end_run() { world_->stop(); }

  net::ResultTask<> start();
  // Also after a start() that failed, or never was.
  net::Task<> stop();

  // An operation of admin's table, as `letterlock` on the command line calls it.
  net::ResultTask<boost::json::object> call(std::string operation, boost::json::object arguments);
  // A device's connection to one of the platform's doors.
  net::ResultTask<std::unique_ptr<net::Connection>> connect(ListenerConfig::Kind kind);

  Platform& platform() { return *platform_; }
  peers::ClientWorld client_world() { return {*client_tls_, workers_, clock_, random_}; }
  os::Clock& clock() { return clock_; }
  net::Timers& timers() { return timers_; }
  peers::OutsideMta& modern() { return *modern_; }
  peers::OutsideMta& old() { return *old_; }
  std::uint16_t port(ListenerConfig::Kind kind) const { return ports_.at(kind); }
  std::string authority_file() const { return folder_.path() + "/authority.pem"; }
  std::string admin_socket() const { return folder_.path() + "/admin.socket"; }
  std::string log_file() const { return folder_.path() + "/letterlock.log"; }

 private:
  explicit DemoWorld(os::TemporaryFolder folder) : folder_(std::move(folder)) {}
  base::Result<> make();
  base::Result<> make_certificates();
  base::Result<> write_certificate(const tls::Authority& authority,
                                   const std::vector<std::string>& names);
  tls::CertificateFiles files_of(const std::vector<std::string>& names) const;
  base::Result<> make_names();
  base::Result<> listen_outside();
  base::Result<> make_platform();
  base::Result<> make_outside();
  base::Result<> make_admin();
  Config config() const;

  os::TemporaryFolder folder_;
  os::SystemClock clock_;
  os::SystemRandom random_;
  net::LoopTimers timers_;
  std::unique_ptr<os::LogSink> log_;
  std::unique_ptr<net::TcpNetwork> network_;
  std::unique_ptr<tls::OpensslTls> modern_tls_;
  std::unique_ptr<tls::OpensslTls> client_tls_;
  std::unique_ptr<peers::NameServer> names_;
  std::uint16_t outside_port_ = 0;
  std::unique_ptr<net::Listener> modern_listener_;
  std::unique_ptr<net::Listener> old_listener_;
  os::Metrics metrics_;
  std::unique_ptr<RealWorld> world_;
  net::ThreadWorkers workers_{1, 16};  // the devices'
  std::unique_ptr<peers::OutsideMta> modern_;
  std::unique_ptr<peers::OutsideMta> old_;
  std::unique_ptr<Platform> platform_;
  std::unique_ptr<Doors> doors_;
  std::map<ListenerConfig::Kind, std::uint16_t> ports_;
  std::unique_ptr<admin::Ports> admin_ports_;
  std::unique_ptr<admin::Server> admin_;
  std::shared_ptr<net::TcpListener> admin_listener_;
  std::unique_ptr<net::Gate> gate_;
};

}  // namespace letterlock::apps

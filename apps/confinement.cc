#include "apps/confinement.h"

#include <cstdlib>
#include <filesystem>

#include "os/confine.h"
#include "os/privileges.h"

namespace letterlock::apps {
namespace {

using base::ErrorKind;

// The store's files, names, the log, listeners, and refused peers that are told so.
constexpr std::uint64_t other_descriptors = 1024;
constexpr std::size_t sessions_least = 16;
// Landlock's versions: which one closes TCP ports (Linux 6.7), and abstract sockets (6.12).
constexpr int landlock_ports = 4;
constexpr int landlock_scopes = 6;

std::string folder_of(const std::string& file) {
  return std::filesystem::path(file).parent_path().string();
}

// A certificate is replaced by another file under its name, and is often a link to where tools keep
// theirs: the folders of both are read later.
void add_folders(std::vector<std::string>& out, const std::string& file) {
  out.push_back(folder_of(file));
  std::error_code error;
  const auto real = std::filesystem::canonical(file, error);
  if (!error) out.push_back(real.parent_path().string());
}

// What libraries read after the start: authorities (Debian's place and OpenSSL's variables), the
// time zone of the store's own log, the machine's facts, libraries that load others.
std::vector<std::string> of_libraries() {
  std::vector<std::string> out{"/etc/ssl/certs",
                               "/etc/ssl/openssl.cnf",
                               "/usr/lib",
                               "/usr/share/ca-certificates",
                               "/usr/local/share/ca-certificates",
                               "/etc/localtime",
                               "/usr/share/zoneinfo",
                               "/dev/null",
                               "/dev/urandom",
                               "/proc",
                               "/sys/devices/system/cpu"};
  for (const auto* name : {"SSL_CERT_FILE", "SSL_CERT_DIR"}) {
    if (const char* path = std::getenv(name); path != nullptr) out.emplace_back(path);
  }
  return out;
}

os::FileReach reach_of(const Config& config) {
  os::FileReach out;
  out.own = {config.site.data};
  if (!config.store.backups.empty()) out.own.push_back(config.store.backups);
  out.readable = of_libraries();
  for (const auto& certificate : config.certificates) {
    add_folders(out.readable, certificate.chain_file);
    add_folders(out.readable, certificate.key_file);
  }
  add_folders(out.readable, config.dns.trust_anchor_file.empty() ? "/usr/share/dns/root.key"
                                                                 : config.dns.trust_anchor_file);
  if (!config.log.file.empty()) out.logs = {folder_of(config.log.file)};
  out.sockets = {folder_of(config.admin_socket)};
  return out;
}

}  // namespace

base::Event Confinement::event() const {
  if (!wanted)
    return {base::Severity::warning,
            "node.confined",
            {{"files", "no"},
             {"calls", "no"},
             {"listening", "open"},
             {"reason", "site.confined is false"}}};
  const bool all = landlock > 0 && calls && doors;
  base::Event out{all ? base::Severity::info : base::Severity::warning,
                  "node.confined",
                  {{"files", landlock > 0 ? "landlock " + std::to_string(landlock) : "no"},
                   {"calls", calls ? "seccomp" : "no"},
                   {"listening", doors ? "no more" : "open"}}};
  // What only a younger kernel takes away, and is promised on none.
  if (landlock > 0 && landlock < landlock_ports)
    out.fields.emplace_back("kernel_leaves", "binding TCP ports, abstract sockets");
  else if (landlock > 0 && landlock < landlock_scopes)
    out.fields.emplace_back("kernel_leaves", "abstract sockets");
  const bool both = !without_files.empty() && !without_calls.empty();
  const auto reason = without_files + (both ? "; " : "") + without_calls;
  if (!all) out.fields.emplace_back("reason", reason);
  return out;
}

base::Result<> close_doors(Confinement& confinement) {
  if (!confinement.calls) return {};
  const auto closed = os::close_doors();
  if (!closed && closed.error().kind != ErrorKind::unavailable) return base::fail(closed.error());
  confinement.doors = closed.has_value();
  if (!closed) confinement.without_calls = closed.error().what;
  return {};
}

std::uint64_t descriptors_needed(const Config& config) {
  return config.limits.sessions_max + config.window.remote_concurrency +
         config.window.report_concurrency + other_descriptors;
}

std::optional<base::Event> fit_sessions(Config& config, std::uint64_t descriptors) {
  const auto needed = descriptors_needed(config);
  if (descriptors >= needed) return std::nullopt;
  const auto missing = needed - descriptors;
  const auto wanted = config.limits.sessions_max;
  config.limits.sessions_max =
      wanted > missing + sessions_least ? wanted - missing : sessions_least;
  return base::Event{
      base::Severity::warning,
      "node.few_descriptors",
      {{"limit", std::to_string(descriptors)},
       {"needed", std::to_string(needed)},
       {"sessions", std::to_string(config.limits.sessions_max)},
       {"reason", "raise LimitNOFILE, or lower limits.sessions from " + std::to_string(wanted)}}};
}

base::Result<Confinement> confine(const Config& config) {
  TRY(os::forbid_new_privileges());
  Confinement out;
  out.wanted = config.site.confined;
  if (!out.wanted) return out;
  TRY(os::forbid_dumps());
  const auto files = os::close_files(reach_of(config));
  if (!files && files.error().kind != ErrorKind::unavailable) return base::fail(files.error());
  if (files)
    out.landlock = *files;
  else
    out.without_files = files.error().what;
  const auto calls = os::close_calls();
  if (!calls && calls.error().kind != ErrorKind::unavailable) return base::fail(calls.error());
  out.calls = calls.has_value();
  if (!calls) out.without_calls = calls.error().what;
  return out;
}

}  // namespace letterlock::apps

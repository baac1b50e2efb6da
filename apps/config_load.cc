// A configuration from its file, checked against the machine as well: what it names must be there.
#include <fmt/format.h>

#include "apps/config.h"
#include "base/bytes.h"
#include "os/files.h"
#include "tls/certificates.h"

namespace letterlock::apps {
namespace {

constexpr std::size_t file_octets_max = 1 << 20;

void check_certificates(Checked& out, const std::string& file) {
  for (const auto& certificate : out.config.certificates) {
    const auto facts =
        tls::inspect_certificate({certificate.names, certificate.chain_file, certificate.key_file});
    if (!facts) out.problems.push_back({file, certificate.line, facts.error().what});
  }
}

void read_password(Checked& out, const std::string& file) {
  const auto& path = out.config.relay.smart_host_password_file;
  if (path.empty()) return;
  auto password = os::read_file(path, 4096);
  if (!password) {
    out.problems.push_back({file, 0, "relay.smart_host_password_file: " + password.error().what});
    return;
  }
  out.config.relay.smart_host_password = password->substr(0, password->find_first_of("\r\n"));
}

}  // namespace

Checked load_config(const std::string& file) {
  const auto text = os::read_file(file, file_octets_max);
  if (!text) return {{}, {{file, 0, text.error().what}}};
  auto out = parse_config(*text, file);
  check_certificates(out, file);
  read_password(out, file);
  return out;
}

}  // namespace letterlock::apps

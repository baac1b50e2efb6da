// The server's certificates: read from files, chosen by server name, read again when the files
// change. A set that was read stays whole: a session keeps what it began with.
//
// Events: tls.certificate_loaded, tls.certificate_rejected, tls.certificate_expires.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/event.h"
#include "base/time.h"
#include "os/clock.h"
#include "os/files.h"

namespace letterlock::tls {

struct CertificateFiles {
  std::vector<std::string> names;  // "mx1.example", "*.example"; empty: those in the certificate
  std::string chain_file;          // PEM, the server's own first
  std::string key_file;            // PEM, without a passphrase
};

struct CertificateFacts {
  std::vector<std::string> names;
  base::Time not_before;
  base::Time not_after;
  std::string key_digest;  // hex SHA-256 of the SubjectPublicKeyInfo, for TLSA 3 1 1
};

// Reads both, checks that they belong together, forgets them: for `config check`.
// Errors: as os::read_file; invalid (with the file's name: no PEM, no key, not the key of this
// certificate).
base::Result<CertificateFacts> inspect_certificate(const CertificateFiles& files);

struct Identity;  // a certificate with chain and key; identity.h

class ServerCertificates {
 public:
  // The first entry also answers names that no entry has, and clients that ask for none. Entries
  // with the same names and keys of different kinds (ECDSA, RSA) serve together. Errors: those of
  // inspect_certificate, invalid (no entry at all). One that has expired is an event.
  static base::Result<std::shared_ptr<ServerCertificates>> load(
      const std::vector<CertificateFiles>& files, const os::Clock& clock, base::EventSink& events);
  ~ServerCertificates();

  // Looks at the files at most once a second. A changed pair that can't be used is told once, and
  // the one before it stays. From any thread.
  void refresh();
  // What is served now. From any thread.
  struct Serving {
    std::vector<std::string> names;
    base::Time expires;
  };
  std::vector<Serving> serving() const;
  // Never empty. `name` is lower case.
  std::vector<std::shared_ptr<const Identity>> choose(std::string_view name) const;

 private:
  struct Entry {
    CertificateFiles files;
    os::FileStamp chain;
    os::FileStamp key;
    std::shared_ptr<const Identity> identity;
  };
  ServerCertificates(const os::Clock& clock, base::EventSink& events)
      : clock_(clock), events_(events) {}
  void reload(Entry& entry);
  void warn_of_expiry(const Entry& entry);
  void index();

  const os::Clock& clock_;
  base::EventSink& events_;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::vector<std::shared_ptr<const Identity>>> by_name_;
  os::Steady looked_;
  os::Steady warned_;
};

}  // namespace letterlock::tls

// What the server's certificate proves of it, to the client side. It never ends a handshake: the
// verdict is a sentence, and the judgement decides.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "os/files.h"
#include "tls/engine.h"
#include "tls/tls.h"

namespace letterlock::tls {

using StoreHandle = std::unique_ptr<X509_STORE, Free<X509_STORE_free>>;

// Authorities by file, read once and again when the file changes. From any thread.
class TrustStores {
 public:
  // An empty name: the machine's. Errors: as os::read_file; invalid (no certificate in it).
  base::Result<std::shared_ptr<X509_STORE>> get(const std::string& ca_file);

 private:
  struct Entry {
    os::FileStamp stamp;
    std::shared_ptr<X509_STORE> store;
  };
  std::mutex mutex_;
  std::map<std::string, Entry> by_file_;
};

struct Verdict {
  bool verified = false;
  std::string failure;  // one sentence, empty when verified or not asked for
  hop::Proof proved_by = hop::Proof::none;
  std::string key_digest;
  std::vector<std::string> addresses;  // server side alone
};

// Tells OpenSSL what to look for. Errors: invalid (an authorities' file, a name or a record that
// can't be used): the handshake may go on, nothing will be proved.
base::Result<> prepare(Engine& engine, const ClientOptions& options, TrustStores& stores,
                       base::Time now);
// After the server's handshake: what the client showed, if it was asked. It proves a key, no more.
Verdict shown_by_client(const Engine& engine);
// After the handshake. `prepared` is what prepare() returned.
Verdict judge(const Engine& engine, const ClientOptions& options, const base::Result<>& prepared);

}  // namespace letterlock::tls

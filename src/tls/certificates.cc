#include "tls/certificates.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/bytes.h"
#include "tls/identity.h"

namespace letterlock::tls {
namespace {

using base::ErrorKind;
using base::Severity;

constexpr std::size_t file_octets_max = 1 << 20;
constexpr int chain_count_max = 16;
constexpr base::Milliseconds look_again = std::chrono::seconds(1);
constexpr base::Milliseconds warn_again = std::chrono::hours(24);
constexpr base::Milliseconds expires_soon = std::chrono::days(14);

// A key with a passphrase must not make the server ask its terminal for it.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

BioHandle over(const std::string& text) {
  return BioHandle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

base::Result<Identity> read_chain(const std::string& file) {
  const auto text = TRY(os::read_file(file, file_octets_max));
  const auto memory = over(text);
  Identity identity;
  identity.leaf.reset(PEM_read_bio_X509(memory.get(), nullptr, no_passphrase, nullptr));
  identity.chain.reset(sk_X509_new_null());
  if (!identity.leaf || !identity.chain) {
    ERR_clear_error();
    return base::fail(ErrorKind::invalid, "reading " + file + ": no certificate in PEM form");
  }
  while (X509* next = PEM_read_bio_X509(memory.get(), nullptr, no_passphrase, nullptr)) {
    if (sk_X509_num(identity.chain.get()) >= chain_count_max ||
        sk_X509_push(identity.chain.get(), next) == 0) {
      X509_free(next);
      return base::fail(ErrorKind::invalid, "reading " + file + ": more than " +
                                                std::to_string(chain_count_max) + " certificates");
    }
  }
  // The end of the file is the one reason to stop; a damaged certificate is told at once, not by
  // clients.
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end)
    return base::fail(ErrorKind::invalid,
                      "reading " + file + ": a certificate of the chain is damaged");
  return identity;
}

}  // namespace

base::Result<Identity> read_identity(const CertificateFiles& files) {
  auto identity = TRY(read_chain(files.chain_file));
  auto text = TRY(os::read_file(files.key_file, file_octets_max));
  identity.key.reset(PEM_read_bio_PrivateKey(over(text).get(), nullptr, no_passphrase, nullptr));
  OPENSSL_cleanse(text.data(), text.size());
  const bool fits =
      identity.key && X509_check_private_key(identity.leaf.get(), identity.key.get()) == 1;
  ERR_clear_error();
  if (!identity.key)
    return base::fail(ErrorKind::invalid, "reading " + files.key_file +
                                              ": no private key in PEM form without a passphrase");
  if (!fits)
    return base::fail(ErrorKind::invalid,
                      files.key_file + " is not the key of the certificate in " + files.chain_file);
  identity.names = names_of(identity.leaf.get());
  identity.key_digest = key_digest_of(identity.leaf.get());
  return identity;
}

base::Result<CertificateFacts> inspect_certificate(const CertificateFiles& files) {
  const auto identity = TRY(read_identity(files));
  const auto* leaf = identity.leaf.get();
  return CertificateFacts{identity.names, not_before_of(leaf), not_after_of(leaf),
                          identity.key_digest};
}

ServerCertificates::~ServerCertificates() = default;

base::Result<std::shared_ptr<ServerCertificates>> ServerCertificates::load(
    const std::vector<CertificateFiles>& files, const os::Clock& clock, base::EventSink& events) {
  if (files.empty()) return base::fail(ErrorKind::invalid, "no certificate is configured");
  std::shared_ptr<ServerCertificates> certificates(new ServerCertificates(clock, events));
  for (const auto& pair : files) {
    // Stamps first: what changes while it is read is read again.
    Entry entry{pair, os::FileStamp::of(pair.chain_file), os::FileStamp::of(pair.key_file),
                nullptr};
    entry.identity = std::make_shared<const Identity>(TRY(read_identity(pair)));
    certificates->warn_of_expiry(entry);
    certificates->entries_.push_back(std::move(entry));
  }
  certificates->looked_ = certificates->warned_ = clock.steady();
  certificates->index();
  return certificates;
}

void ServerCertificates::refresh() {
  const std::scoped_lock lock(mutex_);
  const auto now = clock_.steady();
  if (now - looked_ < look_again) return;
  looked_ = now;
  for (auto& entry : entries_) reload(entry);
  if (now - warned_ < warn_again) return;
  warned_ = now;
  for (const auto& entry : entries_) warn_of_expiry(entry);
}

void ServerCertificates::reload(Entry& entry) {
  const auto chain = os::FileStamp::of(entry.files.chain_file);
  const auto key = os::FileStamp::of(entry.files.key_file);
  if (chain == entry.chain && key == entry.key) return;
  entry.chain = chain;
  entry.key = key;
  auto identity = read_identity(entry.files);
  if (!identity) {
    events_.emit({Severity::error,
                  "tls.certificate_rejected",
                  {{"file", entry.files.chain_file}, {"reason", identity.error().what}}});
    return;
  }
  entry.identity = std::make_shared<const Identity>(std::move(*identity));
  index();
  events_.emit({Severity::info,
                "tls.certificate_loaded",
                {{"file", entry.files.chain_file},
                 {"expires", date_of(not_after_of(entry.identity->leaf.get()))}}});
  warn_of_expiry(entry);
}

std::vector<ServerCertificates::Serving> ServerCertificates::serving() const {
  const std::scoped_lock lock(mutex_);
  std::vector<Serving> out;
  for (const auto& entry : entries_) {
    const auto& names = entry.files.names.empty() ? entry.identity->names : entry.files.names;
    out.push_back({names, not_after_of(entry.identity->leaf.get())});
  }
  return out;
}

void ServerCertificates::warn_of_expiry(const Entry& entry) {
  const auto left = not_after_of(entry.identity->leaf.get()) - clock_.now();
  if (left > expires_soon) return;
  const bool over = left <= base::Milliseconds(0);
  events_.emit({over ? Severity::error : Severity::warning,
                "tls.certificate_expires",
                {{"file", entry.files.chain_file},
                 {"reason", std::string(over ? "expired on " : "expires on ") +
                                date_of(not_after_of(entry.identity->leaf.get()))}}});
}

void ServerCertificates::index() {
  by_name_.clear();
  const auto add = [&](const std::string& name, const Entry& entry) {
    auto& group = by_name_[name];
    // Two keys of one kind can't serve one name; the entry that stands first does.
    for (const auto& other : group) {
      if (EVP_PKEY_get_base_id(other->key.get()) == EVP_PKEY_get_base_id(entry.identity->key.get()))
        return;
    }
    group.push_back(entry.identity);
  };
  for (const auto& entry : entries_) {
    const auto& names = entry.files.names.empty() ? entry.identity->names : entry.files.names;
    for (const auto& name : names) add(base::to_lower(name), entry);
    if (entry.files.names == entries_.front().files.names) add("", entry);
  }
}

std::vector<std::shared_ptr<const Identity>> ServerCertificates::choose(
    std::string_view name) const {
  const std::scoped_lock lock(mutex_);
  if (const auto found = by_name_.find(std::string(name)); found != by_name_.end())
    return found->second;
  if (const auto dot = name.find('.'); dot != std::string_view::npos) {
    const auto found = by_name_.find("*" + std::string(name.substr(dot)));
    if (found != by_name_.end()) return found->second;
  }
  return by_name_.at("");
}

}  // namespace letterlock::tls

// Content on its way in: the header is looked at and changed once it is whole, the rest streams
// into a blob, digests are taken of what came and of what is kept. Holds the header at most, never
// the message. Lives on its session's loop.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "dsn/status.h"
#include "hop/hop.h"
#include "message/header_parser.h"
#include "store/store.h"

namespace letterlock::queue {

// Why content isn't taken: an outcome of mail, told to the peer after the content's end.
struct Refused {
  dsn::Status status;
  std::string text;
};

// Looks at the whole header and changes it; says what it changed, or refuses the message. Called
// once, also for a message without any header.
using HeaderEdit =
    std::function<std::expected<std::vector<hop::Change>, Refused>(message::Header&)>;

// What was taken.
struct Content {
  base::BlobId blob;
  std::uint64_t octets = 0;  // of the blob
  std::string digest_in;     // hex SHA-256 of what came
  std::string digest_out;    // and of the blob
  std::vector<hop::Change> changes;
  bool eight_bit = false;  // octets over 127, in header or body
  std::string message_id;  // as the header has it after the edit, with < >; may be empty
  std::string subject;     // decoded, for people
  // Whom To, Cc, Resent-To and Resent-Cc name (Address::key), in order. A recipient who isn't among
  // them is hidden from the others. Nothing: it was made here, and hides nobody.
  std::optional<std::vector<std::string>> named;
};

struct IntakeOptions {
  std::uint64_t octets_max = 50ULL << 20;
  message::HeaderParser::Options header;
};

class Intake {
 public:
  Intake(store::Store& store, IntakeOptions options, HeaderEdit edit);

  // The next octets, dots decoded, lines ended by CRLF. After a refusal they are thrown away.
  // Errors: as BlobWriter::write.
  net::ResultTask<> add(std::string_view octets);
  // No more. The blob is not held by anybody yet: what isn't enqueued is swept. Errors: as the
  // store's.
  net::ResultTask<std::expected<Content, Refused>> finish();

 private:
  net::ResultTask<> end_header();
  net::ResultTask<> keep(std::string_view octets);
  void refuse(dsn::Status status, std::string text);
  void refuse_header(const base::Error& error);

  store::Store& store_;
  IntakeOptions options_;
  HeaderEdit edit_;
  message::HeaderParser parser_;
  std::unique_ptr<store::BlobWriter> writer_;
  base::Sha256 digest_in_;
  base::Sha256 digest_out_;
  std::uint64_t octets_in_ = 0;
  bool header_done_ = false;
  Content content_;
  std::optional<Refused> refused_;
};

}  // namespace letterlock::queue

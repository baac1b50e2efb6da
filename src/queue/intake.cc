#include "queue/intake.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/utf8.h"
#include "message/address_list.h"
#include "message/trace_fields.h"

namespace letterlock::queue {
namespace {

// A field that can't be read names nobody: whom it was to name is then hidden, rather than shown.
std::vector<std::string> named_in(const message::Header& header) {
  std::vector<std::string> keys;
  for (const auto* name : {"To", "Cc", "Resent-To", "Resent-Cc"}) {
    for (const auto* field : header.all(name)) {
      const auto list = message::parse_address_list(field->unfolded());
      if (!list) continue;
      for (const auto& mailbox : list->mailboxes) keys.push_back(mailbox.address.key());
    }
  }
  std::ranges::sort(keys);
  const auto twice = std::ranges::unique(keys);
  keys.erase(twice.begin(), twice.end());
  return keys;
}

}  // namespace

Intake::Intake(store::Store& store, IntakeOptions options, HeaderEdit edit)
    : store_(store), options_(options), edit_(std::move(edit)), parser_(options.header) {}

void Intake::refuse(dsn::Status status, std::string text) {
  if (!refused_) refused_ = Refused{status, std::move(text)};
  writer_.reset();
}

void Intake::refuse_header(const base::Error& error) {
  // RFC 3463 §3.7: the content is at fault, not its size: a smaller message would not help.
  refuse({5, 6, 0}, "the message's header is not usable: " + error.what);
}

net::ResultTask<> Intake::add(std::string_view octets) {
  octets_in_ += octets.size();
  if (octets_in_ > options_.octets_max) {
    refuse(dsn::status::too_big,
           fmt::format("the message is larger than {} octets", options_.octets_max));
  }
  if (refused_) co_return base::Result<>();
  digest_in_.add(octets);
  if (!content_.eight_bit) content_.eight_bit = !base::is_ascii(octets);
  if (header_done_) co_return co_await keep(octets);
  if (auto fed = parser_.feed(octets); !fed) {
    refuse_header(fed.error());
    co_return base::Result<>();
  }
  if (parser_.is_done()) co_return co_await end_header();
  co_return base::Result<>();
}

net::ResultTask<> Intake::end_header() {
  header_done_ = true;
  auto header = parser_.take_header();
  const auto rest = parser_.take_rest();
  auto changes = edit_(header);
  if (!changes) {
    refuse(changes.error().status, std::move(changes.error().text));
    co_return base::Result<>();
  }
  content_.changes = std::move(*changes);
  if (const auto* field = header.find("Message-ID")) content_.message_id = field->unfolded();
  content_.subject = message::subject(header);
  content_.named = named_in(header);
  writer_ = store_.write_blob();
  // One write for the header and what of the body came with it: small messages are one chunk.
  auto first = header.text();
  first += rest;
  co_return co_await keep(first);
}

net::ResultTask<> Intake::keep(std::string_view octets) {
  if (octets.empty()) co_return base::Result<>();
  digest_out_.add(octets);
  co_return co_await writer_->write(octets);
}

net::ResultTask<std::expected<Content, Refused>> Intake::finish() {
  if (!refused_ && !header_done_) {
    if (auto ended = parser_.finish(); !ended) {
      refuse_header(ended.error());
    } else {
      CO_CHECK(co_await end_header());
    }
  }
  if (refused_) co_return std::expected<Content, Refused>(std::unexpected(std::move(*refused_)));
  CO_CHECK(co_await writer_->finish());
  content_.blob = writer_->id();
  content_.octets = writer_->octets();
  content_.digest_in = base::to_hex(digest_in_.finish());
  content_.digest_out = base::to_hex(digest_out_.finish());
  co_return std::expected<Content, Refused>(std::move(content_));
}

}  // namespace letterlock::queue

#include "sim/tls_session.h"

#include <algorithm>
#include <array>

#include "base/digest.h"

namespace letterlock::sim {
using base::ErrorKind;

TlsSession::TlsSession(std::shared_ptr<Schedule> schedule, std::unique_ptr<net::Connection> raw,
                       Agreed agreed, bool is_server, std::string rest)
    : schedule_(std::move(schedule)),
      raw_(std::move(raw)),
      simulated_(dynamic_cast<sim::Connection*>(raw_.get())),
      agreed_(std::move(agreed)),
      coming_(std::move(rest)) {
  out_.secret(agreed_.secret, is_server ? "server" : "client");
  in_.secret(agreed_.secret, is_server ? "client" : "server");
}

net::ResultTask<> TlsSession::next_record(base::Milliseconds deadline) {
  std::array<char, 4096> buffer;
  Frame frame;
  while (true) {
    auto whole = in_.decode(coming_, frame);
    if (!whole) {
      raw_->close();
      co_return base::fail(whole.error());
    }
    if (*whole) break;
    CO_TRY(const auto count, co_await raw_->read_some(buffer, deadline - schedule_->now()));
    // RFC 8446 §6.1: an end without close_notify may be somebody's cut.
    if (count == 0)
      co_return base::fail(ErrorKind::closed, "the connection ended without TLS's goodbye");
    coming_.append(buffer.data(), count);
  }
  if (frame.type == FrameType::alert && frame.content == close_notify) {
    ended_ = true;
  } else if (frame.type == FrameType::data) {
    plain_ = std::move(frame.content);
    plain_taken_ = 0;
  } else {
    co_return base::fail(ErrorKind::protocol,
                         "the peer ended TLS: " + base::printable(frame.content));
  }
  co_return base::Result<>();
}

net::ResultTask<std::size_t> TlsSession::read_some(std::span<char> buffer,
                                                   base::Milliseconds timeout) {
  CO_CHECK(co_await check_cancelled());
  const auto deadline = schedule_->now() + timeout;
  while (plain_taken_ == plain_.size() && !ended_) CO_CHECK(co_await next_record(deadline));
  const auto count = std::min(buffer.size(), plain_.size() - plain_taken_);
  std::copy_n(plain_.data() + plain_taken_, count, buffer.data());
  plain_taken_ += count;
  co_return count;
}

net::ResultTask<> TlsSession::wait_readable(base::Milliseconds timeout) {
  const bool has_more = plain_taken_ < plain_.size() || !coming_.empty() || ended_;
  if (has_more) co_return base::Result<>();
  co_return co_await raw_->wait_readable(timeout);
}

net::ResultTask<> TlsSession::write(std::string_view octets, base::Milliseconds timeout) {
  const auto deadline = schedule_->now() + timeout;
  while (!octets.empty()) {
    const auto content = octets.substr(0, frame_content_octets_max);
    if (simulated_) simulated_->observe_protected(content);
    const auto record = out_.encode(FrameType::data, content);
    CO_CHECK(co_await raw_->write(record, deadline - schedule_->now()));
    octets.remove_prefix(content.size());
  }
  co_return base::Result<>();
}

net::Task<> TlsSession::shutdown(base::Milliseconds timeout) {
  const auto record = out_.encode(FrameType::alert, close_notify);
  const auto deadline = schedule_->now() + timeout;
  (void)co_await raw_->write(record, timeout);
  co_await raw_->shutdown(deadline - schedule_->now());
}

base::Result<base::Bytes> TlsSession::exporter(std::string_view label, std::string_view context,
                                               std::size_t octets) const {
  if (!agreed_.exports) {
    return base::fail(ErrorKind::denied,
                      "TLS 1.2 without extended master secret has no exporter that binds");
  }
  const std::string input = std::string(label) + '\0' + std::string(context);
  base::Bytes material;
  for (unsigned char block = 1; material.size() < octets; ++block) {
    material += base::hmac_sha256(agreed_.secret, input + static_cast<char>(block));
  }
  material.resize(octets);
  return material;
}

}  // namespace letterlock::sim

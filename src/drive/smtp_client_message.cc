// One message: the envelope, and apart from it the content, so that the caller can make its intent
// durable between them.
#include <algorithm>
#include <utility>

#include "drive/smtp_client.h"

namespace letterlock::drive {
namespace {

using base::ErrorKind;

// So many commands are written before their replies are read: neither side's buffers fill.
constexpr std::size_t group_commands_max = 100;
constexpr std::size_t group_octets_max = 16 * 1024;
constexpr std::size_t dots_reserve_octets = 1024;  // room for stuffed dots
// What is encoded and written at once: as much as goes into one flight of TLS records.
constexpr std::size_t data_block_octets = 32 * 1024;

auto wrong_length() {
  return base::fail(ErrorKind::invalid, "the content is longer or shorter than was said");
}

}  // namespace

bool SmtpEnvelope::is_open() const {
  const auto taken = [](const smtp::Reply& reply) { return reply.is_positive(); };
  return !unfit && mail.is_positive() && std::ranges::any_of(recipients, taken);
}

net::ResultTask<SmtpEnvelope> SmtpClient::envelope(smtp::Mail mail,
                                                   std::vector<smtp::Rcpt> recipients) {
  content_begun_ = false;
  has_taken_ = false;
  data_reply_.reset();
  SmtpEnvelope envelope;
  envelope.unfit = smtp::fit(offered_, mail, recipients);
  if (envelope.unfit) co_return envelope;
  CO_CHECK(ready());
  std::vector<std::string> lines;
  lines.reserve(recipients.size() + 1);
  lines.push_back(smtp::to_line(mail));
  for (const auto& rcpt : recipients) lines.push_back(smtp::to_line(rcpt));
  std::vector<smtp::Reply> replies;
  replies.reserve(lines.size() + 1);
  message_until_ = clock_.steady() + options_.message_wait;
  CO_CHECK(co_await ask_envelope(std::move(lines), replies));
  message_until_.reset();
  envelope.mail = std::move(replies.front());
  replies.erase(replies.begin());
  envelope.recipients = std::move(replies);
  if (!envelope.mail.is_positive()) {
    // What was said to the recipients then is about the order of commands, not about them.
    envelope.recipients.assign(recipients.size(), envelope.mail);
  }
  // After 421 nothing more was read: it is the answer to all that is left.
  while (envelope.recipients.size() < recipients.size()) {
    envelope.recipients.push_back(envelope.recipients.back());
  }
  has_taken_ = envelope.is_open();
  co_return envelope;
}

net::ResultTask<> SmtpClient::ask_envelope(std::vector<std::string> lines,
                                           std::vector<smtp::Reply>& replies) {
  if (!offered_.pipelining) co_return co_await envelope_in_turn(lines, replies);
  const bool by_data = options_.transfer == SmtpClientOptions::Transfer::data || !offered_.chunking;
  const auto commands = lines.size();
  // RFC 2920 §3.1: DATA may end a group. What is answered to it counts once it is wanted.
  if (by_data) lines.emplace_back("DATA\r\n");
  CO_CHECK(co_await envelope_at_once(lines, replies));
  if (by_data && replies.size() > commands) {
    data_reply_ = std::move(replies.back());
    replies.pop_back();
  }
  co_return base::Result<>();
}

// RFC 2920 §3.1: MAIL and RCPT in groups.
net::ResultTask<> SmtpClient::envelope_at_once(const std::vector<std::string>& lines,
                                               std::vector<smtp::Reply>& replies) {
  std::size_t next = 0;
  while (next < lines.size() && usable_) {
    std::string group;
    const std::size_t first = next;
    while (next < lines.size() && next - first < group_commands_max &&
           group.size() < group_octets_max) {
      group += lines[next++];
    }
    CO_CHECK(co_await write(group, options_.command_wait));
    while (replies.size() < next && usable_) {
      CO_TRY(smtp::Reply reply, co_await read_reply(options_.command_wait));
      replies.push_back(std::move(reply));
    }
  }
  co_return base::Result<>();
}

net::ResultTask<> SmtpClient::envelope_in_turn(const std::vector<std::string>& lines,
                                               std::vector<smtp::Reply>& replies) {
  for (const auto& line : lines) {
    CO_TRY(smtp::Reply reply, co_await command(line, options_.command_wait));
    replies.push_back(std::move(reply));
    if (!usable_ || !replies.front().is_positive()) break;
  }
  co_return base::Result<>();
}

net::ResultTask<smtp::Reply> SmtpClient::content(std::uint64_t octets, SmtpContent& content) {
  const bool chunks = options_.transfer == SmtpClientOptions::Transfer::chunks_if_offered;
  const auto pace = std::max<std::uint64_t>(1, options_.content_octets_per_second_min);
  message_until_ =
      clock_.steady() + options_.message_wait + base::Milliseconds(octets * 1000 / pace);
  auto reply =
      co_await (chunks && offered_.chunking ? chunk(octets, content) : data(octets, content));
  message_until_.reset();
  // Content half sent has no end that the server could take: the connection is closed on it.
  if (!reply) co_return broken(std::move(reply.error()));
  co_return reply;
}

net::ResultTask<smtp::Reply> SmtpClient::data(std::uint64_t octets, SmtpContent& content) {
  smtp::Reply go;
  if (data_reply_) {
    go = *std::exchange(data_reply_, std::nullopt);
  } else {
    CO_TRY(go, co_await command("DATA\r\n", options_.data_start_wait));
  }
  if (go.is_temporary() || go.is_permanent()) co_return go;
  // A 250 here would look like custody taken of nothing.
  if (go.code != 354) co_return base::fail(ErrorKind::protocol, "DATA answered with " + go.text());
  smtp::DataEncoder encoder;
  std::string out;
  while (true) {
    CO_TRY(std::string_view part, co_await content.next());
    if (part.size() > octets || (part.empty() && octets > 0)) co_return wrong_length();
    octets -= part.size();
    do {
      const auto block = part.substr(0, data_block_octets);
      part.remove_prefix(block.size());
      out.reserve(block.size() + dots_reserve_octets);  // growing would double it
      CO_CHECK(encoder.encode(block, out));
      // The end goes with the last block, in one write.
      if (octets == 0 && part.empty()) CO_CHECK(encoder.finish(out));
      CO_CHECK(ready());
      content_begun_ = content_begun_ || !block.empty();
      CO_CHECK(co_await write(out, options_.data_block_wait));
      out.clear();
    } while (!part.empty());
    if (octets == 0) break;
  }
  co_return co_await read_reply(options_.data_end_wait);
}

// One chunk for all of it: its size is known, and so is its only reply.
net::ResultTask<smtp::Reply> SmtpClient::chunk(std::uint64_t octets, SmtpContent& content) {
  smtp::ChunkDecoder checker(smtp::LineEnds::strict, SIZE_MAX);
  std::string first = smtp::to_line(smtp::Bdat{octets, true});
  while (true) {
    CO_TRY(const std::string_view part, co_await content.next());
    if (part.size() > octets || (part.empty() && octets > 0)) co_return wrong_length();
    octets -= part.size();
    checker.decode(part);
    if (octets == 0) checker.finish();
    if (checker.fault() != smtp::Fault::none) {
      co_return base::fail(ErrorKind::invalid, "content with a bare CR or LF, or NUL");
    }
    CO_CHECK(ready());
    content_begun_ = content_begun_ || !part.empty();
    if (!first.empty()) {
      first += part;
      CO_CHECK(co_await write(first, options_.data_block_wait));
      first = {};
    } else {
      CO_CHECK(co_await write(part, options_.data_block_wait));
    }
    if (octets == 0) break;
  }
  co_return co_await read_reply(options_.data_end_wait);
}

}  // namespace letterlock::drive

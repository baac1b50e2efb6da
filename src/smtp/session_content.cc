// The octets of content in a session: DATA, BDAT, what is thrown away, and what ends them.
#include <algorithm>

#include "base/assert.h"
#include "smtp/session.h"

namespace letterlock::smtp {
namespace status = dsn::status;
namespace {

Reply fault_reply(Fault fault) {
  static constexpr dsn::Status other_content{5, 6, 0};
  // RFC 5321 §4.3.2: 554 is what DATA may be answered with.
  if (fault == Fault::line_long) return reply(554, other_content, "a line is too long");
  return reply(554, other_content,
               std::string("the content has a ") + std::string(name(fault)) + ", which is refused");
}

}  // namespace

ContentFacts ServerSession::content_facts() const {
  return content_ == Content::data ? data_.facts() : chunks_.facts();
}

std::uint64_t ServerSession::content_octets_expected() const {
  return content_ == Content::data ? UINT64_MAX : chunk_.octets;
}

std::optional<Reply> ServerSession::content_begun(Reply said) {
  ASSERT(content_ == Content::data || content_ == Content::chunk);
  const bool go = said.is_intermediate() || said.is_positive();
  received_ = 0;
  failure_.reset();
  if (content_ == Content::data) {
    if (!go) {
      end_transaction();
      if (said.code == 421) phase_ = Phase::closed;
      return said;
    }
    data_ = DataDecoder(options_.line_ends, options_.content_line_octets_max);
    phase_ = Phase::content;
    return reply(354, "end with CRLF.CRLF");
  }
  chunks_ = ChunkDecoder(options_.line_ends, options_.content_line_octets_max);
  if (!go) failure_ = std::move(said);
  phase_ = Phase::content;
  return std::nullopt;
}

void ServerSession::content_failed(Reply said) {
  if (!failure_) failure_ = std::move(said);
}

ContentStep ServerSession::content(std::span<char> octets) {
  ASSERT(phase_ == Phase::content);
  if (content_ == Content::data) return data_content(octets);
  return chunk_content({octets.data(), octets.size()});
}

// RFC 1870 §6.2: content beyond what is taken is read to its end and refused then.
void ServerSession::abandon_oversize() {
  if (content_facts().octets > options_.size_octets_max) {
    content_failed(reply(552, status::too_big, "the message is larger than is taken here"));
  }
}

ContentStep ServerSession::abandoned(std::size_t consumed, ContentStep::Next next) {
  ContentStep step{next, {}, consumed, std::move(*failure_)};
  phase_ = Phase::rcpt;  // so that the transaction ends as any does
  end_transaction();
  if (step.reply.code == 421) step.next = ContentStep::Next::close;
  if (step.next == ContentStep::Next::close) phase_ = Phase::closed;
  return step;
}

ContentStep ServerSession::data_content(std::span<char> octets) {
  const Piece piece = data_.decode(octets);
  received_ += piece.consumed;
  if (data_.fault() != Fault::none) content_failed(fault_reply(data_.fault()));
  abandon_oversize();
  if (piece.false_end) return abandoned(piece.consumed, ContentStep::Next::close);
  if (failure_) {
    if (piece.ended) return abandoned(piece.consumed, ContentStep::Next::abandoned);
    // What is thrown away has an end, too.
    if (received_ / 2 > options_.size_octets_max) {
      return abandoned(piece.consumed, ContentStep::Next::close);
    }
    return {ContentStep::Next::more, {}, piece.consumed};
  }
  return {piece.ended ? ContentStep::Next::message : ContentStep::Next::more, piece.content,
          piece.consumed};
}

// A chunk's octets, and then one call without octets, which ends it.
ContentStep ServerSession::chunk_content(std::string_view octets) {
  if (chunk_.octets == 0) return chunk_ended();
  octets = octets.substr(
      0, static_cast<std::size_t>(std::min<std::uint64_t>(octets.size(), chunk_.octets)));
  chunk_.octets -= octets.size();
  ContentStep step{ContentStep::Next::more, {}, octets.size()};
  if (failure_) return step;
  step.content = chunks_.decode(octets).content;
  if (chunks_.fault() != Fault::none) content_failed(fault_reply(chunks_.fault()));
  abandon_oversize();
  if (failure_) step.content = {};
  return step;
}

ContentStep ServerSession::chunk_ended() {
  if (content_ == Content::discard) {
    phase_ = after_discard_;
    // RFC 3030 §2: a chunk that fails takes its transaction with it. A recipient taken behind it
    // would get the message without its beginning.
    if (phase_ == Phase::mail) {
      chunks_failed_ = true;
      return abandoned(0, ContentStep::Next::abandoned);
    }
    content_ = Content::none;
    return {ContentStep::Next::chunk_end, {}, 0, *std::exchange(failure_, std::nullopt)};
  }
  std::string_view tail;
  if (chunk_.last && !failure_) {
    tail = chunks_.finish().content;
    if (chunks_.fault() != Fault::none) content_failed(fault_reply(chunks_.fault()));
  }
  if (failure_) {
    chunks_failed_ = true;
    return abandoned(0, ContentStep::Next::abandoned);
  }
  if (chunk_.last) return {ContentStep::Next::message, tail, 0};
  phase_ = Phase::chunks;
  return {ContentStep::Next::chunk_end, {}, 0, reply(250, status::ok, "chunk taken")};
}

void ServerSession::message_decided(const Reply& said) {
  phase_ = Phase::rcpt;
  end_transaction();
  if (said.is_positive()) idle_commands_ = 0;
  if (said.code == 421) phase_ = Phase::closed;
}

}  // namespace letterlock::smtp

#include "drive/sessions.h"

namespace letterlock::drive {

Sessions::Member::Member(Sessions* all) : all_(all) {
  if (all_ != nullptr) place_ = all_->members_.insert(all_->members_.end(), this);
}

Sessions::Member::~Member() {
  if (all_ != nullptr) all_->members_.erase(place_);
}

// Waking only posts to the loop: no member goes while this walks.
void Sessions::stop() {
  stopping_ = true;
  for (auto* member : members_) member->wake();
}

net::Task<> tell_and_close(net::Connection& connection, std::string_view words) {
  constexpr base::Milliseconds last_words_wait = std::chrono::milliseconds(200);
  if (co_await connection.write(words, last_words_wait))
    co_await connection.shutdown(last_words_wait);
  connection.close();
}

}  // namespace letterlock::drive

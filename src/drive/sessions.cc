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

}  // namespace letterlock::drive

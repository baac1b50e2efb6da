// What an agent takes out of the window, and what it may say of where that went.
#pragma once

#include <string>
#include <vector>

#include "queue/queue.h"

namespace letterlock::queue {

// One message, and those of its recipients that share a destination.
struct Job {
  base::TenantId tenant;
  base::MessageId message;
  Lane lane = Lane::remote;
  std::string destination;
  std::vector<Due> items;
  bool has_place =
      true;  // among those under way; false: given back, or the job that followed has it
  bool on_trial = false;  // its place is one of those for destinations that haven't shown anything
};

// A destination has taken what a job brought, or it gave no session to one.
enum class Showed { takes, crowded };

}  // namespace letterlock::queue

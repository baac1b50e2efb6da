// What the program asks of its allocator (docs/decisions/13-allocator.md).
#pragma once

namespace letterlock::os {

// From now on a thread of the allocator's own gives freed pages back in time, also while nobody
// allocates. After the process was confined: until then it may have no second thread. Without
// jemalloc (tests, sanitizers) nothing happens. False: it is refused.
bool give_memory_back();

}  // namespace letterlock::os

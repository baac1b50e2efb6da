// Who wants to know that certain keys were changed (Store::watch): counts, raised by commits.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "store/changes.h"

namespace letterlock::store {

// Any thread.
class Watchers {
 public:
  using Concerns = std::function<bool(std::string_view key)>;
  using Raised = std::shared_ptr<std::atomic<std::uint64_t>>;
  using Noted = std::vector<Raised>;  // those to be raised, each once

  Store::Count add(Concerns concerns);
  // Adds those whom these changes concern.
  void note(const Changes& changes, Noted& noted) const;
  static void raise(const Noted& noted);

 private:
  struct Watcher {
    Concerns concerns;
    Raised count;  // gone when only this holds it
  };
  mutable std::mutex mutex_;
  std::vector<Watcher> watchers_;
};

}  // namespace letterlock::store

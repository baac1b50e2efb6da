// The sessions of one loop, so that a node that stops can tell them: those that wait for their
// peer's next command end at once, those in the middle of something when they have done it.
#pragma once

#include <list>
#include <string_view>

#include "base/time.h"
#include "net/connection.h"

namespace letterlock::drive {

// A session that hears nothing for so long gives back the room it held for what comes next, and
// waits without: thousands that only stand there cost little, and those that talk don't allocate.
constexpr base::Milliseconds quiet_after = std::chrono::milliseconds(100);

// Lives on its loop, and outlives its members.
class Sessions {
 public:
  class Member {
   public:
    // No list, no stopping: for tests of one session.
    explicit Member(Sessions* all);
    virtual ~Member();
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;

   protected:
    bool stopping() const { return all_ != nullptr && all_->stopping_; }
    // The node stops: whoever waits for a command is to be woken. On the loop.
    virtual void wake() = 0;

   private:
    friend class Sessions;
    Sessions* all_;
    std::list<Member*>::iterator place_;
  };

  void stop();

 private:
  std::list<Member*> members_;
  bool stopping_ = false;
};

// The last words to a peer that is turned away. It has a fifth of a second to take them, and as
// long to say what it was about to: a reset, for octets that nobody read, would take the words
// back.
net::Task<> tell_and_close(net::Connection& connection, std::string_view words);

}  // namespace letterlock::drive

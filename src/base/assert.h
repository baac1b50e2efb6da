// ASSERT(condition): a broken invariant is a bug; the process stops before it does harm. On in
// release builds. Never reachable from input: what a stranger sends is a Result, not an ASSERT.
#pragma once

namespace letterlock::base {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);
}

#define ASSERT(condition)       \
  (static_cast<bool>(condition) \
       ? void(0)                \
       : ::letterlock::base::assertion_failed(#condition, __FILE__, __LINE__))

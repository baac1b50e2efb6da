// Results as values: an operation returns what it made or why it could not. No exception crosses
// a floor. An outcome of mail (a 550, a refusal by the judgement) is not an error: it is a value.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace letterlock::base {

// What kind of failure, so that "later or never?" is one function. Closed on purpose.
enum class ErrorKind {
  invalid,      // the input is wrong and stays wrong: tell whoever gave it
  not_found,    // there is no such thing
  exists,       // there is one already
  denied,       // not allowed
  conflict,     // somebody else changed it at the same time: do it again now
  unavailable,  // not now: try later
  timeout,      // took too long: try later
  full,         // a limit or the disk is reached: try later, tell the operator
  closed,       // the peer or the service ended
  cancelled,    // we ourselves are stopping
  protocol,     // the peer broke the protocol
  corrupt,      // stored octets are not what was written: tell the operator
  io,           // the machine failed us (disk, descriptor): tell the operator
};

// The kind's word, as it stands in logs: "not_found".
std::string_view name(ErrorKind kind);

// True where the same operation may work later without anybody mending anything.
bool is_temporary(ErrorKind kind);

struct [[nodiscard]] Error {
  ErrorKind kind = ErrorKind::io;
  std::string what;  // one sentence for the log: what failed, on what, why

  bool operator==(const Error&) const = default;
};

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorKind kind, std::string what) {
  return std::unexpected(Error{kind, std::move(what)});
}
inline std::unexpected<Error> fail(Error error) {
  return std::unexpected(std::move(error));
}

// Puts what was being done in front of why it failed: "reading config: no such file".
Error within(std::string_view doing, Error error);

}  // namespace letterlock::base

// TRY(expression): its value, or return its error from this function. Never around co_await.
#define TRY(...) TRY_NAMED(LETTERLOCK_JOIN(try_, __COUNTER__), __VA_ARGS__)
#define TRY_NAMED(result, ...)                           \
  ({                                                     \
    auto result = (__VA_ARGS__);                         \
    if (!result) [[unlikely]]                            \
      return std::unexpected(std::move(result.error())); \
    std::move(result).value();                           \
  })

#define LETTERLOCK_JOIN2(a, b) a##b
#define LETTERLOCK_JOIN(a, b) LETTERLOCK_JOIN2(a, b)

// CO_TRY(auto x, co_await f()): a statement. Declares x with the value, or co_returns the error.
#define CO_TRY(declaration, ...) \
  CO_TRY_NAMED(LETTERLOCK_JOIN(co_try_, __COUNTER__), declaration, __VA_ARGS__)
#define CO_TRY_NAMED(result, declaration, ...)            \
  auto result = (__VA_ARGS__);                            \
  if (!result) [[unlikely]]                               \
    co_return std::unexpected(std::move(result.error())); \
  declaration = std::move(result).value()

// CO_CHECK(co_await f()): the same for a Result<void>.
#define CO_CHECK(...)                                          \
  do {                                                         \
    auto co_check_ = (__VA_ARGS__);                            \
    if (!co_check_) [[unlikely]]                               \
      co_return std::unexpected(std::move(co_check_.error())); \
  } while (false)

// A task: a coroutine that runs on one loop. The only header that may include asio/awaitable.hpp.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/result.h"

namespace letterlock::net {

template <class T = void>
using Task = boost::asio::awaitable<T>;

// What most waits end in.
template <class T = void>
using ResultTask = Task<base::Result<T>>;

}  // namespace letterlock::net

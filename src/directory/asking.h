// One question to the store, with an answer that comes back as a value. For this room's files.
#pragma once

#include <functional>
#include <optional>

#include "net/task.h"
#include "store/store.h"

namespace letterlock::directory {

template <class T>
using Question = std::function<net::ResultTask<T>(store::Transaction&)>;

template <class T>
net::ResultTask<> keep_answer(net::ResultTask<T> task, std::optional<T>& answer) {
  CO_TRY(auto value, co_await std::move(task));
  answer.emplace(std::move(value));
  co_return base::Result<void>();
}

template <class T>
net::ResultTask<T> ask(store::Store& store, store::Scope scope, Question<T> question) {
  std::optional<T> answer;
  CO_CHECK(co_await store.read(std::move(scope), [&](store::Transaction& tx) {
    return keep_answer<T>(question(tx), answer);
  }));
  co_return std::move(*answer);
}

// The same, with changes.
template <class T>
net::ResultTask<T> change(store::Store& store, store::Scope scope, Question<T> question) {
  std::optional<T> answer;
  CO_CHECK(co_await store.transact(std::move(scope), [&](store::Transaction& tx) {
    return keep_answer<T>(question(tx), answer);
  }));
  co_return std::move(*answer);
}

}  // namespace letterlock::directory

// One question to the store, with an answer that comes back as a value. What the transaction
// touches is shared with it, so that it may outlive a task that was cancelled. For this room's
// files.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "net/task.h"
#include "store/store.h"

namespace letterlock::popd {

template <class T>
using Question = std::function<net::ResultTask<T>(store::Transaction&)>;

template <class T>
net::ResultTask<> keep_answer(net::ResultTask<T> task, std::shared_ptr<std::optional<T>> answer) {
  CO_TRY(auto value, co_await std::move(task));
  answer->emplace(std::move(value));
  co_return base::Result<void>();
}

template <class T>
net::ResultTask<T> ask(store::Store& store, base::TenantId tenant, Question<T> question) {
  const auto answer = std::make_shared<std::optional<T>>();
  CO_CHECK(co_await store.read(
      store::Scope::tenant(tenant),
      [question, answer](store::Transaction& tx) { return keep_answer<T>(question(tx), answer); }));
  co_return std::move(**answer);
}

// The same, with changes.
template <class T>
net::ResultTask<T> change(store::Store& store, base::TenantId tenant, Question<T> question) {
  const auto answer = std::make_shared<std::optional<T>>();
  CO_CHECK(co_await store.transact(
      store::Scope::tenant(tenant),
      [question, answer](store::Transaction& tx) { return keep_answer<T>(question(tx), answer); }));
  co_return std::move(**answer);
}

}  // namespace letterlock::popd

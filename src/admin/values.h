// Small steps between arguments, values and results, shared by the operations.
#pragma once

#include <initializer_list>

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include "address/address.h"
#include "admin/operation.h"

namespace letterlock::admin {

base::Result<address::Address> address_of(const std::string& text);
base::Result<std::vector<address::Address>> addresses_of(const std::vector<std::string>& texts);
base::Result<address::Domain> domain_of(const std::string& text);
// 100 rows a page, 1000 at most.
std::size_t page_of(const Arguments& arguments);
json::object done(std::string_view what);

// The value whose name the word is; otherwise an error that names them all.
template <class Value, class Name>
base::Result<Value> word_in(const std::string& word, std::initializer_list<Value> values,
                            Name name) {
  std::string known;
  for (const auto value : values) {
    if (name(value) == word) return value;
    known += (known.empty() ? "" : ", ") + std::string(name(value));
  }
  return base::fail(base::ErrorKind::invalid, fmt::format("'{}' is none of: {}", word, known));
}

// A page as a result; `next` names the last row where more may follow.
template <class List, class Row, class Key>
json::object rows(const List& list, Row row, std::size_t page, Key key) {
  json::array out;
  for (const auto& one : list) out.emplace_back(row(one));
  json::object result{{"rows", std::move(out)}};
  if (list.size() == page && !list.empty()) result["next"] = key(list.back());
  return result;
}

}  // namespace letterlock::admin

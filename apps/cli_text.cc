// Results as people read them. What a stranger could have said goes through printable().
#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "apps/cli.h"
#include "base/bytes.h"

namespace letterlock::apps {
namespace {

namespace json = boost::json;

std::string text_of(const json::value& value) {
  if (value.is_string()) return base::printable(std::string_view(value.get_string()), 300);
  if (value.is_array()) {
    std::string out;
    for (const auto& one : value.get_array()) out += (out.empty() ? "" : ", ") + text_of(one);
    return out;
  }
  return base::printable(json::serialize(value), 2000);  // JSON leaves DEL and its kin as they are
}

// The columns that the rows have, in the order of the first row that has them.
std::vector<std::string> columns_of(const json::array& rows) {
  std::vector<std::string> out;
  for (const auto& row : rows) {
    if (!row.is_object()) continue;
    for (const auto& pair : row.get_object()) {
      const std::string key(pair.key());
      if (std::ranges::find(out, key) == out.end()) out.push_back(key);
    }
  }
  return out;
}

// Two blanks part the columns: with one at a time no stranger's words look like another column.
std::string one_cell(const json::value& value) {
  std::string out;
  for (const char c : text_of(value)) {
    if (c == ' ' && (out.empty() || out.back() == ' ')) continue;
    out.push_back(c);
  }
  return out;
}

std::string table(const json::array& rows) {
  if (rows.empty()) return "none\n";
  const auto columns = columns_of(rows);
  std::vector<std::string> heads;
  for (const auto& column : columns) heads.push_back(base::printable(column));
  std::vector<std::vector<std::string>> cells{std::move(heads)};
  for (const auto& row : rows) {
    if (!row.is_object()) continue;
    std::vector<std::string> line;
    for (const auto& column : columns) {
      const auto* value = row.get_object().if_contains(column);
      line.push_back(value != nullptr ? one_cell(*value) : "");
    }
    cells.push_back(std::move(line));
  }
  std::vector<std::size_t> widths(columns.size(), 0);
  for (const auto& line : cells) {
    for (std::size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], std::min<std::size_t>(line[i].size(), 40));
  }
  std::string out;
  for (const auto& line : cells) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i)
      text += fmt::format("{:<{}}  ", line[i], widths[i]);
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

void lines(std::string& out, const json::object& object, std::string_view indent) {
  std::size_t width = 0;
  for (const auto& pair : object) width = std::max(width, base::printable(pair.key()).size());
  for (const auto& pair : object) {
    const auto& value = pair.value();
    const auto name = base::printable(pair.key());
    const bool rows =
        value.is_array() && !value.get_array().empty() && value.get_array().front().is_object();
    if (rows) {
      out += fmt::format("{}{}\n{}", indent, name, table(value.get_array()));
      continue;
    }
    out += fmt::format("{}{:<{}}  {}\n", indent, name, width, text_of(value));
  }
}

}  // namespace

std::string for_people(const json::object& result, std::size_t) {
  if (const auto* drawn = result.if_contains("table"); drawn != nullptr && drawn->is_string())
    return std::string(drawn->get_string());
  std::string out;
  if (const auto* rows = result.if_contains("rows"); rows != nullptr && rows->is_array()) {
    out = table(rows->get_array());
    if (const auto* note = result.if_contains("note")) out += text_of(*note) + "\n";
    if (const auto* next = result.if_contains("next"))
      out += fmt::format("more: --after {}\n", text_of(*next));
    return out;
  }
  lines(out, result, "");
  return out;
}

}  // namespace letterlock::apps

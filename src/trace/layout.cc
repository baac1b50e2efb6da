#include "trace/layout.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/bytes.h"
#include "base/utf8.h"

namespace letterlock::trace {
namespace {

constexpr std::size_t gap = 2;  // between columns

struct CodeRange {
  char32_t first;
  char32_t last;
};

template <std::size_t Count>
bool within(const CodeRange (&ranges)[Count], char32_t point) {
  return std::ranges::any_of(
      ranges, [&](const CodeRange& range) { return point >= range.first && point <= range.last; });
}

// Marks without a width of their own; only the common blocks.
constexpr CodeRange combining[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x0610, 0x061A}, {0x064B, 0x065F},
    {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F},
};
// Two columns: CJK, Hangul, kana, full-width forms, most emoji.
constexpr CodeRange wide[] = {
    {0x1100, 0x115F}, {0x2E80, 0x303E},   {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},
    {0xA000, 0xA4CF}, {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE4F},   {0xFF00, 0xFF60},
    {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD},
};
// Invisible, or turning the direction of writing.
constexpr CodeRange deceptive[] = {
    {0x00AD, 0x00AD}, {0x061C, 0x061C}, {0x115F, 0x1160}, {0x180E, 0x180E},
    {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F}, {0x3164, 0x3164},
    {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE0FFF},
};

// They look like a blank.
constexpr CodeRange blank[] = {
    {0x0020, 0x0020}, {0x00A0, 0x00A0}, {0x1680, 0x1680}, {0x2000, 0x200A},
    {0x202F, 0x202F}, {0x205F, 0x205F}, {0x2800, 0x2800}, {0x3000, 0x3000},
};

std::size_t width_of(char32_t point) {
  if (within(combining, point)) return 0;
  return within(wide, point) ? 2 : 1;
}

std::size_t full_width(const Cell& cell) {
  return trace::columns_of(cell.lead) + trace::columns_of(cell.text);
}

// The longest beginning of `text` that fits, and at least one character.
std::size_t fitting_octets(std::string_view text, std::size_t width) {
  std::size_t octets = 0;
  std::size_t columns = 0;
  while (octets < text.size()) {
    const auto point = base::first_code_point(text.substr(octets));
    const std::size_t size = point ? point->octets : 1;
    columns += point ? width_of(point->value) : 1;
    if (columns > width && octets > 0) break;
    octets += size;
  }
  return octets;
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const auto point = base::first_code_point(text);
    columns += point ? width_of(point->value) : 1;
    text.remove_prefix(point ? point->octets : 1);
  }
  return columns;
}

std::string plain(std::string_view text, std::size_t octets_max) {
  const std::string printable = base::printable(text, octets_max);
  std::string out;
  std::string_view rest = printable;
  while (!rest.empty()) {
    const auto point = base::first_code_point(rest);
    const std::size_t octets = point ? point->octets : 1;
    if (point && within(blank, point->value)) {
      out += ' ';
    } else if (point && !within(deceptive, point->value)) {
      out += rest.substr(0, octets);
    }
    rest.remove_prefix(octets);
  }
  return out;
}

std::string quoted(std::string_view text, std::size_t octets_max) {
  std::string out = "\"";
  for (const char c : plain(text, octets_max)) {
    if (c == ' ' && (out.size() == 1 || out.back() == ' ')) continue;
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  if (out.size() > 1 && out.back() == ' ') out.pop_back();
  return out + "\"";
}

std::string word(std::string_view text, std::size_t octets_max) {
  std::string out;
  for (const char c : plain(text, octets_max)) {
    if (c == ' ') {
      out += "\\x20";
    } else {
      out += c;
    }
  }
  return out;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  std::size_t used = 0;
  while (!text.empty()) {
    if (text.front() == ' ') {
      text.remove_prefix(1);
      continue;
    }
    std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    std::size_t columns = columns_of(word);
    const std::size_t space = used == 0 ? 0 : 1;
    if (used + space + columns <= width) {
      lines.back().append(space, ' ').append(word);
      used += space + columns;
      continue;
    }
    if (used > 0) lines.emplace_back();
    while (columns > width) {
      const std::size_t octets = fitting_octets(word, width);
      if (octets == word.size()) break;
      lines.back() = word.substr(0, octets);
      lines.emplace_back();
      word.remove_prefix(octets);
      columns = columns_of(word);
    }
    lines.back() = word;
    used = columns;
  }
  return lines;
}

std::string padded(std::string text, std::size_t width) {
  const std::size_t columns = columns_of(text);
  if (columns < width) text.append(width - columns, ' ');
  return text;
}

void Table::row(std::vector<Cell> cells) {
  lines_.push_back({std::move(cells), {}, 0, 0});
}

void Table::across(std::string text, std::size_t indent, std::size_t hanging) {
  lines_.push_back({{}, std::move(text), indent, hanging});
}

std::vector<std::size_t> Table::widths(std::size_t room) const {
  std::vector<std::size_t> needed;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = columns_of(columns_[i].title);
    for (const Line& line : lines_) {
      if (i < line.cells.size()) width = std::max(width, full_width(line.cells[i]));
    }
    needed.push_back(width);
  }
  const auto total = [&] {
    std::size_t sum = gap * (needed.size() - 1);
    for (const std::size_t width : needed) sum += width;
    return sum;
  };
  std::vector<std::size_t> order(needed.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return std::pair(columns_[i].gives, i); });
  for (const std::size_t i : order) {
    const std::size_t over = total() - std::min(total(), room);
    const std::size_t spare = needed[i] - std::min(needed[i], columns_[i].width_min);
    needed[i] -= std::min(over, spare);
  }
  return needed;
}

std::string Table::text(std::size_t width, std::size_t indent) const {
  const auto columns = widths(width > indent ? width - indent : 1);
  const std::string margin(indent, ' ');
  std::string out;
  const auto add = [&](std::string line) {
    while (line.ends_with(' ')) line.pop_back();
    out += line + "\n";
  };
  const auto add_row = [&](const std::vector<Cell>& cells) {
    std::vector<std::vector<std::string>> parts;
    std::size_t height = 1;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::size_t lead = columns_of(cells[i].lead);
      parts.push_back(wrapped(cells[i].text, columns[i] - std::min(columns[i] - 1, lead)));
      height = std::max(height, parts.back().size());
    }
    for (std::size_t y = 0; y < height; ++y) {
      std::string line = margin;
      for (std::size_t i = 0; i < parts.size(); ++i) {
        const Cell& cell = cells[i];
        const std::size_t lead = columns_of(cell.lead);
        line += y == 0 ? cell.lead : std::string(lead, ' ');
        const std::string part = y < parts[i].size() ? parts[i][y] : "";
        if (!part.empty()) line += cell.before + part + cell.after;
        const std::size_t used = lead + columns_of(part);
        line.append(columns[i] - std::min(columns[i], used), ' ');
        if (i + 1 < parts.size()) line.append(gap, ' ');
      }
      add(std::move(line));
    }
  };
  std::vector<Cell> titles;
  for (const Column& column : columns_) titles.push_back({column.title});
  if (std::ranges::any_of(columns_, [](const Column& column) { return !column.title.empty(); })) {
    add_row(titles);
  }
  for (const Line& line : lines_) {
    if (!line.cells.empty()) {
      add_row(line.cells);
      continue;
    }
    const std::size_t taken = indent + line.indent + line.hanging;
    const auto parts = wrapped(line.across, width > taken + 20 ? width - taken : 20);
    for (std::size_t y = 0; y < parts.size(); ++y) {
      add(margin + std::string(line.indent + (y > 0 ? line.hanging : 0), ' ') + parts[y]);
    }
  }
  return out;
}

}  // namespace letterlock::trace

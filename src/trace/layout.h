// Columns and lines of text for a terminal: widths in characters, words wrapped.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace letterlock::trace {

// How many columns the text takes: one a character, two for the wide ones of East Asia, none for
// marks that combine. `text` is printable UTF-8.
std::size_t columns_of(std::string_view text);

// Printable, and without the characters that turn the writing's direction or have no width: in a
// table they could make one name look like another.
std::string plain(std::string_view text, std::size_t octets_max = 300);

// Strangers' sentences: plain, in quotation marks that they can't end, and with one blank at a
// time, so that they imitate neither our words nor our columns.
std::string quoted(std::string_view text, std::size_t octets_max = 300);
// Strangers' names, plain and without a blank: "\x20" is in its place.
std::string word(std::string_view text, std::size_t octets_max = 320);

// Lines of at most `width` columns, broken at spaces; words that are longer are broken anywhere.
// At least one line.
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

// Padded with spaces to `width` columns; longer text stays as it is.
std::string padded(std::string text, std::size_t width);

struct Cell {
  std::string text;
  std::string lead = {};    // before the text's first line; further lines are moved in as far
  std::string before = {};  // escape sequences around the text; they take no column
  std::string after = {};
};
struct Column {
  std::string title;
  std::size_t width_min = 4;  // it is never made narrower, where it has so much to show
  unsigned gives = 0;         // those with the lowest number give first
};

// A table of lines: rows, and texts that go across all columns.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void row(std::vector<Cell> cells);
  // `hanging`: how far the text's further lines are moved in beyond its first.
  void across(std::string text, std::size_t indent, std::size_t hanging = 2);
  // Each line begins with `indent` spaces. Columns get what they need; where that is too
  // much they give, in the order of `gives`, until it fits.
  std::string text(std::size_t width, std::size_t indent) const;

 private:
  struct Line {
    std::vector<Cell> cells;  // empty: `across`
    std::string across;
    std::size_t indent = 0;
    std::size_t hanging = 0;
  };
  std::vector<std::size_t> widths(std::size_t room) const;

  std::vector<Column> columns_;
  std::vector<Line> lines_;
};

}  // namespace letterlock::trace

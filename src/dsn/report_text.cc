#include "dsn/report_text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/bytes.h"
#include "dsn/delivery_status.h"

namespace letterlock::dsn {
namespace {

constexpr std::size_t columns_max = 78;
constexpr std::size_t label_columns = 20;
constexpr std::size_t detailed_recipients_max = 20;
constexpr std::size_t offers_max = 10;
constexpr std::size_t word_octets_max = 400;

// What a status means to the person who wrote the message.
struct Meaning {
  std::uint16_t subject;
  std::uint16_t detail;
  std::string_view what;
  std::string_view advice;
};
constexpr std::array<Meaning, 17> meanings{{
    {1, 1, "there is no such user at that domain", "check the address for typing mistakes."},
    {1, 2, "that domain does not exist or takes no mail",
     "check the part behind the @ for typing mistakes."},
    {1, 3, "the address is not well-formed", "check the address for typing mistakes."},
    {1, 6, "the recipient has moved and left no new address", "ask the recipient in another way."},
    {1, 10, "that domain takes no mail at all",
     "check the part behind the @, or ask the recipient in another way."},
    {2, 1, "the mailbox is closed", "ask the recipient in another way."},
    {2, 2, "the recipient's mailbox is full",
     "try again later, or tell the recipient in another way."},
    {2, 3, "the message is larger than the recipient's mailbox takes",
     "send it in parts, or share the file in another way."},
    {3, 4, "the message is larger than the recipient's system takes",
     "send it in parts, or share the file in another way."},
    {4, 1, "the recipient's system did not answer",
     "try again later, or tell the recipient in another way."},
    {4, 4, "no way to the recipient's system was found",
     "check the part behind the @, or ask your administrator."},
    {4, 6, "it went round in a loop between systems",
     "tell your administrator; the text below helps."},
    {4, 7, "it could not be delivered in the time given",
     "try again later, or tell the recipient in another way."},
    {6, 7, "the recipient's system does not take addresses like these",
     "use an address in plain letters, if there is one."},
    {7, 1, "the recipient's system refused it",
     "ask the recipient, or your administrator; the text below helps."},
    {7, 4, "the recipient's system offers less protection than is required",
     "ask your administrator."},
    {7, 5, "the recipient's system could not prove who it is", "ask your administrator."},
}};
constexpr Meaning unknown_meaning{0, 0, "the recipient's system did not take it",
                                  "ask your administrator; the text below helps."};

const Meaning& meaning(const Status& status) {
  const auto found = std::ranges::find_if(meanings, [&](const Meaning& m) {
    return m.subject == status.subject && m.detail == status.detail;
  });
  return found == meanings.end() ? unknown_meaning : *found;
}

std::string clean(std::string_view text) {
  return base::printable(text, word_octets_max);
}

// Paragraphs and rows of two columns, wrapped.
class Page {
 public:
  // A line that begins with hyphens could be taken for a boundary.
  void line(std::string_view text) {
    out_ += fmt::format("{}{}\r\n", text.starts_with('-') ? " " : "", text);
  }
  void paragraph(std::string_view text) { wrap("", text, 0); }
  // "  label             value", going on under the value.
  void row(std::string_view label, std::string_view value) {
    if (!value.empty())
      wrap(fmt::format("  {:<{}}", label, label_columns), value, label_columns + 2);
  }
  std::string take() { return std::move(out_); }

 private:
  void wrap(std::string start, std::string_view text, std::size_t indent) {
    std::string current = std::move(start);
    bool begun = false;
    while (true) {
      const auto space = text.find(' ');
      const auto word = text.substr(0, space);
      if (begun && current.size() + 1 + word.size() > columns_max) {
        line(current);
        current.assign(indent, ' ');
        begun = false;
      }
      if (begun) current += ' ';
      current += word;
      begun = true;
      if (space == std::string_view::npos) break;
      text.remove_prefix(space + 1);
    }
    line(current);
  }

  std::string out_;
};

std::string moment(base::Time time) {
  const std::string text = base::to_rfc3339(time);
  return text.substr(0, 10) + " " + text.substr(11, 8);
}

std::string when(const Refusal::Offer& offer) {
  if (offer.attempts <= 1) return moment(offer.last);
  const bool same_day =
      base::to_rfc3339(offer.first).substr(0, 10) == base::to_rfc3339(offer.last).substr(0, 10);
  return fmt::format("{} to {}, {} attempts", moment(offer.first),
                     same_day ? base::to_clock(offer.last) : moment(offer.last), offer.attempts);
}

std::string more(std::uint64_t count, std::string_view what) {
  return fmt::format("{} more {}{}", count, what, count == 1 ? "" : "s");
}

void add_offers(Page& page, const Refusal& refusal) {
  std::string_view label = "What was offered";
  for (std::size_t i = 0; i < refusal.offers.size() && i < offers_max; ++i) {
    const auto& offer = refusal.offers[i];
    page.row(label, fmt::format("{}: {}", clean(offer.host), clean(offer.what)));
    page.row("", "  " + when(offer));
    label = "";
  }
  if (refusal.offers.size() > offers_max)
    page.row("", fmt::format("and {}", more(refusal.offers.size() - offers_max, "host")));
  if (refusal.others > 0)
    page.row("", fmt::format("and {}, which the trace has", more(refusal.others, "attempt")));
}

void add_refusal(Page& page, const RecipientReport& recipient) {
  const auto& refusal = *recipient.refusal;
  page.line("");
  page.row(
      "What was required",
      clean(refusal.source.empty() ? refusal.required
                                   : fmt::format("{} ({})", refusal.required, refusal.source)));
  add_offers(page, refusal);
  page.row("What was kept safe", clean(refusal.kept_safe));
  page.row("What you can do", clean(refusal.what_to_do));
}

void add_plain(Page& page, const RecipientReport& recipient) {
  page.line("");
  if (!recipient.diagnostic.empty()) {
    const bool reply = recipient.diagnostic_is_reply && !recipient.remote_mta.empty();
    page.row("What happened", reply ? fmt::format("{} answered: {}", clean(recipient.remote_mta),
                                                  clean(recipient.diagnostic))
                                    : clean(recipient.diagnostic));
  }
  if (recipient.last_attempt) page.row("Last attempt", moment(*recipient.last_attempt));
  page.row("What you can do",
           recipient.action == Action::delayed
               ? "nothing: it is tried again by itself. Sending it again would send it twice."
               : meaning(recipient.status).advice);
}

std::string mail_to(const RecipientReport& recipient) {
  return fmt::format("{}our message to {}", recipient.is_of_a_copy ? "a copy of y" : "y",
                     clean(recipient.final_recipient.display()));
}

std::string first_sentence(const RecipientReport& recipient) {
  std::string mail = mail_to(recipient);
  mail.front() = recipient.is_of_a_copy ? 'A' : 'Y';
  const std::string_view sent = recipient.is_of_a_copy ? "sent on" : "sent";
  const std::string host =
      recipient.remote_mta.empty() ? "the recipient's system" : clean(recipient.remote_mta);
  switch (recipient.action) {
    case Action::failed:
      if (recipient.refusal)
        return fmt::format("{} was not {}, because it could not be protected as {} requires.", mail,
                           sent, clean(recipient.refusal->by));
      return fmt::format("{} was not delivered: {}.", mail, meaning(recipient.status).what);
    case Action::delayed:
      if (recipient.refusal)
        return fmt::format(
            "{} is not {} yet, because so far it could not be protected as {} requires.", mail,
            sent, clean(recipient.refusal->by));
      return fmt::format("{} is not delivered yet: {}.", mail, meaning(recipient.status).what);
    case Action::delivered:
      return fmt::format("{} was delivered into the mailbox.", mail);
    case Action::relayed:
      return fmt::format(
          "{} was handed to {}, which gives no further reports. What became of it there is unknown "
          "from here.",
          mail, host);
    case Action::expanded:
      return fmt::format("{} was delivered to that list, which passes it on to its members.", mail);
  }
  return {};
}

void add_recipient(Page& page, const Report& report, const RecipientReport& recipient) {
  page.paragraph(first_sentence(recipient));
  if (recipient.action == Action::delayed && recipient.retry_until) {
    page.paragraph(
        fmt::format("It waits here and is tried again until {}; then it comes back to you.",
                    moment(*recipient.retry_until)));
  }
  const bool has_trouble =
      recipient.action == Action::failed || recipient.action == Action::delayed;
  if (has_trouble && recipient.refusal) add_refusal(page, recipient);
  if (has_trouble && !recipient.refusal) add_plain(page, recipient);
  page.line("");
  page.line(fmt::format("  {}{}", status_of(recipient).text(),
                        report.trace_id.empty() ? "" : "   trace " + clean(report.trace_id)));
  page.line("");
}

std::string_view subject_word(Action action) {
  switch (action) {
    case Action::failed:
      return "Not delivered";
    case Action::delayed:
      return "Delayed";
    case Action::delivered:
      return "Delivered";
    case Action::relayed:
      return "Handed on";
    case Action::expanded:
      return "Delivered to a list";
  }
  return {};
}

}  // namespace

std::string report_text(const Report& report) {
  Page page;
  for (std::size_t i = 0; i < report.recipients.size(); ++i) {
    if (i < detailed_recipients_max) {
      add_recipient(page, report, report.recipients[i]);
    } else {
      page.paragraph(fmt::format("{} ({})", first_sentence(report.recipients[i]),
                                 status_of(report.recipients[i]).text()));
    }
  }
  if (!report.original_subject.empty()) page.row("Your subject", clean(report.original_subject));
  if (report.arrival) page.row("You sent it", moment(*report.arrival));
  page.line("");
  page.line(
      fmt::format("Times are UTC. This report was written by {}.", clean(report.reporting_mta)));
  return page.take();
}

std::string report_subject(const Report& report) {
  const Action action = worst(report.recipients);
  const auto named = std::ranges::find_if(
      report.recipients, [&](const RecipientReport& r) { return r.action == action; });
  const auto others = report.recipients.size() - 1;
  const std::string_view refused = named->is_of_a_copy ? "Not sent on" : "Not sent";
  const auto word = action == Action::failed && named->refusal ? refused : subject_word(action);
  return fmt::format("{}: {}{}", word, mail_to(*named),
                     others == 0   ? ""
                     : others == 1 ? " and 1 other"
                                   : fmt::format(" and {} others", others));
}

}  // namespace letterlock::dsn

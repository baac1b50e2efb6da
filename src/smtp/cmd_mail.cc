// MAIL FROM and its parameters.
#include "base/bytes.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "smtp/command_parts.h"

namespace letterlock::smtp {
namespace {

using base::equal_ignoring_case;
namespace status = dsn::status;

// What became of one parameter.
enum class Taken { yes, bad_value, unknown, repeated };

// Values may say each thing once. RFC 5321 §4.1.1.11 leaves a second one undefined; we refuse it.
class MailParameters {
 public:
  MailParameters(Mail& mail, const CommandContext& context) : mail_(mail), context_(context) {}

  Taken take(const Parameter& parameter) {
    const auto is = [&](std::string_view word) {
      return equal_ignoring_case(parameter.keyword, word);
    };
    const std::string_view value = parameter.value.value_or("");
    const bool has_value = parameter.value.has_value();
    if (is("SIZE")) return first(1, has_value && take_size(value));
    if (is("BODY")) return first(2, has_value && take_body(value));
    if (is("SMTPUTF8") && context_.offers_smtputf8) {
      mail_.smtputf8 = true;
      return first(4, !has_value);
    }
    if (is("REQUIRETLS") && context_.offers_require_tls) {
      mail_.require_tls = true;
      return first(8, !has_value);
    }
    if (is("RET") && context_.offers_dsn) return first(16, has_value && take_ret(value));
    if (is("ENVID") && context_.offers_dsn) return first(32, has_value && take_envid(value));
    if (is("AUTH") && context_.offers_auth) return first(64, has_value && take_auth(value));
    return Taken::unknown;
  }

 private:
  Taken first(unsigned bit, bool good) {
    if ((seen_ & bit) != 0) return Taken::repeated;
    seen_ |= bit;
    return good ? Taken::yes : Taken::bad_value;
  }
  bool take_size(std::string_view value) {
    mail_.size_octets = parse_count(value);
    return mail_.size_octets.has_value();
  }
  bool take_body(std::string_view value) {
    if (equal_ignoring_case(value, "7BIT")) {
      mail_.body = Body::seven_bit;
    } else if (equal_ignoring_case(value, "8BITMIME")) {
      mail_.body = Body::eight_bit_mime;
    } else {
      return false;  // BINARYMIME isn't offered
    }
    return true;
  }
  bool take_ret(std::string_view value) {
    const auto ret = dsn::parse_return(value);
    if (ret) mail_.dsn.ret = *ret;
    return ret.has_value();
  }
  bool take_envid(std::string_view value) {
    auto envid = dsn::parse_envid(value);
    if (envid) mail_.dsn.envid = std::move(*envid);
    return envid.has_value();
  }
  bool take_auth(std::string_view value) {
    auto who = dsn::decode_xtext(value);
    if (!who || who->empty() || who->size() > base::limits::path_octets_max) return false;
    // RFC 4954 §5: "<>" or a mailbox; nothing else gets near a record of ours.
    if (*who != "<>" && !address::Address::parse(*who)) return false;
    mail_.auth = std::move(*who);
    return true;
  }

  Mail& mail_;
  const CommandContext& context_;
  unsigned seen_ = 0;
};

}  // namespace

Parsed parse_mail(std::string_view rest, const CommandContext& context) {
  const auto path_text = after_label(rest, "FROM:");
  if (!path_text) return refuse(501, status::bad_parameters, "MAIL FROM:<address> is the form");
  const auto split = address::split_path(*path_text);
  if (!split)
    return refuse(501, status::bad_sender_syntax, "the address must stand between < and >");

  Mail mail;
  MailParameters known(mail, context);
  Parameters parameters(split->rest);
  while (const auto parameter = parameters.next()) {
    if (parameter->keyword.empty()) {
      return refuse(501, status::bad_parameters, "a parameter that can't be read");
    }
    switch (known.take(*parameter)) {
      case Taken::yes:
        break;
      case Taken::bad_value:
        return refuse(501, status::bad_parameters, "a parameter's value is wrong");
      case Taken::repeated:
        return refuse(501, status::bad_parameters, "a parameter stands twice");
      // RFC 5321 §4.1.1.11: 555 for what isn't recognised.
      case Taken::unknown:
        return refuse(555, status::bad_parameters, "a parameter isn't recognised");
    }
  }
  // RFC 6531 §3.5: an address beyond ASCII needs SMTPUTF8 in this very command.
  if (!base::is_ascii(*path_text) && !mail.smtputf8) {
    return refuse(553, status::needs_smtputf8, "an address beyond ASCII needs SMTPUTF8");
  }
  auto from = address::parse_reverse_path(split->path);
  if (!from) return refuse(501, status::bad_sender_syntax, "that is no address");
  mail.from = std::move(*from);
  return Command(std::move(mail));
}

}  // namespace letterlock::smtp

#include "apps/preview.hpp"

#include <regex>

#include "base/error.hpp"

namespace afterglow {
namespace {

constexpr double kLongest = 3.6e6;  // seconds

}  // namespace

Stretch preview_stretch(const std::string& text, const std::string& subject) {
  if (text.empty()) return {};
  static const std::regex form(
      R"((?:(?:(\d{1,4}):)?(\d{1,2}):)?(\d{1,9}(?:\.\d{1,9})?)\+(\d{1,9}(?:\.\d{1,9})?))");
  std::smatch parts;
  if (std::regex_match(text, parts, form)) {
    const auto number = [&](std::size_t k) {
      return parts[k].matched ? std::stod(parts[k].str()) : 0.0;
    };
    const double hours = number(1), minutes = number(2), seconds = number(3);
    const Stretch stretch{3600 * hours + 60 * minutes + seconds, number(4)};
    const bool clock = parts[2].matched;
    if ((!clock || seconds < 60) && (!parts[1].matched || minutes < 60) && stretch.seconds > 0 &&
        stretch.begin <= kLongest && stretch.seconds <= kLongest) {
      return stretch;
    }
  }
  throw InputError(subject, "'" + text + "' is no stretch of a film",
                   "write START+SECONDS, such as 00:10:00+5, 90:00+2.5 or 75+5");
}

}  // namespace afterglow

#include "apps/comparison_charts.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <sstream>

#include "apps/comparison_style.hpp"

namespace afterglow {
namespace {

// Pixels of the viewBox.
constexpr double kWidth = 960, kHeight = 400;
constexpr double kLeft = 76, kRight = 350, kTop = 16, kBottom = 52;
constexpr double kLabelHeight = 16;
constexpr double kLabelX = kWidth - kRight + 36;

std::string pixels(double value) { return fixed_number(value, 1); }

/// A number with so many digits that count, needless ones left out.
std::string tick_text(double value, int digits = 6) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return text;
}

/// One axis: values to pixels.
class Axis {
 public:
  Axis(double low, double high, double first, double last, bool logarithmic)
      : low_(scaled(low, logarithmic)),
        high_(scaled(high, logarithmic)),
        first_(first),
        last_(last),
        logarithmic_(logarithmic) {
    if (high_ - low_ < 1e-12) {
      low_ -= 0.5;
      high_ += 0.5;
    }
  }

  double at(double value) const {
    const double share = (scaled(value, logarithmic_) - low_) / (high_ - low_);
    return first_ + share * (last_ - first_);
  }

  std::vector<double> ticks() const {
    if (!logarithmic_) return even_ticks(low_, high_);
    constexpr std::size_t kFew = 3;
    const std::vector<double> ticks = log_ticks();
    return ticks.size() < kFew ? even_ticks(std::pow(10, low_), std::pow(10, high_)) : ticks;
  }

 private:
  static double scaled(double value, bool logarithmic) {
    return logarithmic ? std::log10(value) : value;
  }

  /// Some six multiples of 1, 2 or 5 times a power of ten.
  static std::vector<double> even_ticks(double low, double high) {
    constexpr double kWanted = 6;
    const double rough = (high - low) / kWanted;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    double step = 10 * power;
    for (const double factor : {5.0, 2.0, 1.0}) {
      if (factor * power >= rough) step = factor * power;
    }
    std::vector<double> ticks;
    for (double i = std::ceil(low / step); i * step <= high + 1e-9 * step; ++i) {
      ticks.push_back(i * step + 0.0);  // never -0
    }
    return ticks;
  }

  std::vector<double> log_ticks() const {
    std::vector<double> ticks;
    const bool many = high_ - low_ > 3;  // then powers of ten alone
    for (double power = std::floor(low_); power <= high_; ++power) {
      for (const double factor : {1.0, 2.0, 5.0}) {
        const double value = factor * std::pow(10, power);
        const double place = std::log10(value);
        if ((factor > 1 && many) || place < low_ || place > high_) continue;
        ticks.push_back(value);
      }
    }
    return ticks;
  }

  double low_, high_, first_, last_;
  bool logarithmic_;
};

class Chart {
 public:
  Chart(const Axis& x, const Axis& y, const std::string& x_title, const std::string& y_title)
      : x_(x), y_(y) {
    svg_ << "<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 "
         << kWidth << ' ' << kHeight << "\">\n<title>"
         << escape_markup(y_title + " over " + x_title) << "</title>\n";
    const double right = kWidth - kRight, bottom = kHeight - kBottom;
    for (const double tick : y.ticks()) {
      const std::string at = pixels(y.at(tick));
      line("grid", kLeft, y.at(tick), right, y.at(tick));
      svg_ << "<text class=\"tick\" text-anchor=\"end\" x=\"" << kLeft - 8 << "\" y=\"" << at
           << "\" dy=\"4\">" << tick_text(tick) << "</text>\n";
    }
    for (const double tick : x.ticks()) {
      line("axis", x.at(tick), bottom, x.at(tick), bottom + 5);
      svg_ << "<text class=\"tick\" text-anchor=\"middle\" x=\"" << pixels(x.at(tick)) << "\" y=\""
           << bottom + 19 << "\">" << tick_text(tick) << "</text>\n";
    }
    line("axis", kLeft, bottom, right, bottom);
    svg_ << "<text class=\"title\" text-anchor=\"middle\" x=\"" << (kLeft + right) / 2 << "\" y=\""
         << kHeight - 10 << "\">" << escape_markup(x_title) << "</text>\n"
         << "<text class=\"title\" text-anchor=\"middle\" transform=\"translate(16 "
         << (kTop + bottom) / 2 << ") rotate(-90)\">" << escape_markup(y_title) << "</text>\n";
  }

  std::ostringstream& svg() { return svg_; }
  double x(double value) const { return x_.at(value); }
  double y(double value) const { return y_.at(value); }

  void line(const std::string& style, double x1, double y1, double x2, double y2) {
    svg_ << "<line class=\"" << style << "\" x1=\"" << pixels(x1) << "\" y1=\"" << pixels(y1)
         << "\" x2=\"" << pixels(x2) << "\" y2=\"" << pixels(y2) << "\"/>\n";
  }

  /// A label in the right margin, for what ends at (x, y) in pixels; with attributes of its text.
  void label(const std::string& style, const std::string& text, double x, double y,
             const std::string& attributes = {}) {
    labels_.push_back({style, text, attributes, x, y, y});
  }

  std::string finish() {
    // From above, each as near to its place as the one before allows; then up again from below.
    std::sort(labels_.begin(), labels_.end(),
              [](const Label& a, const Label& b) { return a.place < b.place; });
    double least = kTop;
    for (Label& label : labels_) {
      label.place = std::max(label.place, least);
      least = label.place + kLabelHeight;
    }
    double most = kHeight - 8;
    for (auto label = labels_.rbegin(); label != labels_.rend(); ++label) {
      label->place = std::min(label->place, most);
      most = label->place - kLabelHeight;
    }
    for (const Label& label : labels_) {
      line("leader", label.x + 6, label.y, kLabelX - 24, label.place);
      line("line " + label.style, kLabelX - 22, label.place, kLabelX - 4, label.place);
      svg_ << "<text class=\"label\"" << label.attributes << " x=\"" << kLabelX << "\" y=\""
           << pixels(label.place) << "\" dy=\"4\">" << escape_markup(label.text) << "</text>\n";
    }
    svg_ << "</svg>\n";
    return svg_.str();
  }

 private:
  struct Label {
    std::string style, text, attributes;
    double x, y;
    double place;  // y of the text
  };

  Axis x_, y_;
  std::ostringstream svg_;
  std::vector<Label> labels_;
};

/// The colour and the dash of the series at a place in its chart. Pairs repeat after all of them.
std::string style_name(std::size_t place) {
  const std::size_t colour = place % kSeriesStyles, round = place / kSeriesStyles;
  return "s" + std::to_string(colour) + " d" + std::to_string((colour + round) % kSeriesStyles);
}

/// A point's mark: a dot where `corners` is 0, else a regular shape of so many.
std::string mark_svg(const std::string& style, double x, double y, double radius,
                     std::size_t corners, const std::string& title) {
  const std::string end = "><title>" + escape_markup(title) + "</title></";
  if (corners == 0) {
    return "<circle class=\"" + style + "\" cx=\"" + pixels(x) + "\" cy=\"" + pixels(y) +
           "\" r=\"" + pixels(radius) + "\"" + end + "circle>\n";
  }
  std::string points;
  for (std::size_t i = 0; i < corners; ++i) {
    const double angle =
        2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(corners);
    points +=
        pixels(x + radius * std::sin(angle)) + ',' + pixels(y - radius * std::cos(angle)) + ' ';
  }
  return "<polygon class=\"" + style + "\" points=\"" + points + "\"" + end + "polygon>\n";
}

/// The highest value of curves over the lowest that their axis shows.
constexpr double kCurveSpan = 1000;

/// What a logarithmic axis can show.
std::vector<Curve> drawable(std::vector<Curve> curves) {
  for (Curve& curve : curves) {
    std::erase_if(curve.points, [](const Curve::Point& point) {
      return !(point.low > 0) || !std::isfinite(point.high);
    });
  }
  std::erase_if(curves, [](const Curve& curve) { return curve.points.empty(); });
  return curves;
}

}  // namespace

std::string escape_markup(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string fixed_number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string standalone_svg(const std::string& chart) {
  const std::size_t first = chart.find(">\n") + 2;
  return chart.substr(0, first) + "<style>" + kChartStyle + "</style>\n" + chart.substr(first);
}

std::string curves_svg(const std::vector<Curve>& given, const std::string& x_title,
                       const std::string& y_title) {
  const std::vector<Curve> curves = drawable(given);
  if (curves.empty()) return {};
  double first = INFINITY, last = -INFINITY, low = INFINITY, high = 0;
  for (const Curve& curve : curves) {
    for (const Curve::Point& point : curve.points) {
      first = std::min(first, point.x);
      last = std::max(last, point.x);
      low = std::min(low, point.low);
      high = std::max(high, point.high);
    }
  }
  // What nearly vanishes, as the loss of beta = 0, must not press the others together.
  low = std::max(low, high / kCurveSpan);
  Chart chart({std::min(first, 0.0), last, kLeft, kWidth - kRight, false},
              {low / 1.1, high * 1.1, kHeight - kBottom, kTop, true}, x_title, y_title);
  const auto y = [&](double value) { return pixels(chart.y(std::max(value, low / 1.1))); };
  const auto series = [](std::size_t i) { return " data-series=\"" + std::to_string(i) + "\""; };
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const Curve& curve = curves[i];
    chart.svg() << "<polygon class=\"band " << style_name(i) << "\"" << series(i) << " points=\"";
    for (const auto& point : curve.points) {
      chart.svg() << pixels(chart.x(point.x)) << ',' << y(point.high) << ' ';
    }
    for (auto point = curve.points.rbegin(); point != curve.points.rend(); ++point) {
      chart.svg() << pixels(chart.x(point->x)) << ',' << y(point->low) << ' ';
    }
    chart.svg() << "\"/>\n";
  }
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const Curve& curve = curves[i];
    chart.svg() << "<polyline class=\"line " << style_name(i) << "\"" << series(i) << " points=\"";
    for (const auto& point : curve.points) {
      chart.svg() << pixels(chart.x(point.x)) << ',' << y(point.mean) << ' ';
    }
    chart.svg() << "\" data-values=\"";
    for (const auto& point : curve.points) chart.svg() << tick_text(point.mean, 4) << ' ';
    chart.svg() << "\"/>\n";
    const Curve::Point& end = curve.points.back();
    chart.label(style_name(i), curve.label, chart.x(end.x), chart.y(std::max(end.mean, low / 1.1)),
                series(i));
  }
  return chart.finish();
}

std::string front_svg(const std::vector<FrontPoint>& points, const std::optional<double>& truth_x,
                      const std::string& x_title, const std::string& y_title) {
  if (points.empty()) return {};
  double left = truth_x.value_or(points.front().x), right = left;
  double low = points.front().y, high = low;
  for (const FrontPoint& point : points) {
    left = std::min(left, point.x);
    right = std::max(right, point.x);
    low = std::min(low, point.y);
    high = std::max(high, point.y);
  }
  const double x_room = 0.06 * (right - left), y_room = 0.08 * (high - low);
  Chart chart({left - x_room, right + x_room, kLeft, kWidth - kRight, false},
              {low - y_room, high + y_room, kHeight - kBottom, kTop, false}, x_title, y_title);
  if (truth_x) {
    const double x = chart.x(*truth_x);
    chart.line("truth", x, kTop, x, kHeight - kBottom);
    chart.svg() << "<text class=\"tick\" x=\"" << pixels(x + 4) << "\" y=\"" << kTop + 10
                << "\">truth</text>\n";
  }
  std::size_t place = 0;  // references are no series
  for (const FrontPoint& point : points) {
    const double x = chart.x(point.x), y = chart.y(point.y);
    const std::string style = point.reference ? "reference" : style_name(place);
    const std::size_t round = point.reference ? 0 : place++ / kSeriesStyles;
    const std::string title = point.label + ": " + tick_text(point.x) + ", " + tick_text(point.y);
    chart.svg() << mark_svg((point.marked ? "hollow " : "dot ") + style, x, y, 5,
                            round == 0 ? 0 : round + 2, title);
    if (point.pareto) chart.svg() << mark_svg("ring", x, y, 9, 0, title);
    chart.label(style, point.label, x, y);
  }
  return chart.finish();
}

}  // namespace afterglow

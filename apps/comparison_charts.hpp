// Charts of a comparison as inline SVG. Colours and strokes are those of comparison_style.hpp; what
// the page's script reads are the attributes data-series and data-values.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace afterglow {

/// Text for HTML and SVG: & < > " are escaped.
std::string escape_markup(const std::string& text);

/// A number with so many digits behind the point.
std::string fixed_number(double value, int digits);

/// So many colours and dashes there are. Series take them by their places in the chart; those
/// beyond have the colours again, with other dashes or as corners instead of dots.
inline constexpr std::size_t kSeriesStyles = 8;

/// A curve with its band.
struct Curve {
  struct Point {
    double x = 0, mean = 0, low = 0, high = 0;
  };
  std::string label;
  std::vector<Point> points;
};

/// Curves over a linear x and a logarithmic y axis, each labelled at its end. Points whose values
/// are not above 0 are left out; below a thousandth of the highest they lie at the axis. Empty
/// without any point.
std::string curves_svg(const std::vector<Curve>& curves, const std::string& x_title,
                       const std::string& y_title);

/// A chart of a page as a file of its own, with its colours and strokes.
std::string standalone_svg(const std::string& chart);

/// A point of the front.
struct FrontPoint {
  std::string label;
  bool reference = false;  // a row to compare with
  double x = 0, y = 0;
  bool marked = false;  // drawn hollow
  bool pareto = false;  // ringed
};

/// Points over linear axes with labels at the right; a line at the truth's x where given. Empty
/// without points.
std::string front_svg(const std::vector<FrontPoint>& points, const std::optional<double>& truth_x,
                      const std::string& x_title, const std::string& y_title);

}  // namespace afterglow
